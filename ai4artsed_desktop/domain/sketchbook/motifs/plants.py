"""Trees, flowers and other plants."""

from ai4artsed_desktop.domain.sketchbook.motifs.base import motif

MOTIFS = (
    motif(
        "tree",
        "baum bäume bäumen baums eiche linde birke tree trees oak birch 🌳",
        "ground",
        0.6,
        "green",
        """
        cut("#5d4430", [-0.06, 0.5], [-0.035, -0.05], [0.035, -0.05], [0.06, 0.5]);
        bend("#5d4430", 0.03, [0, 0.12], [0.1, 0], [0.18, -0.12]);
        bend("#5d4430", 0.03, [0, 0.04], [-0.1, -0.05], [-0.17, -0.15]);
        dot(shade(c, -0.18), 0.2, -0.12, 0.42);
        dot(shade(c, -0.1), -0.22, -0.1, 0.4);
        dot(c, 0, -0.26, 0.5);
        dot(shade(c, 0.18), -0.08, -0.31, 0.24);
        dot(shade(c, 0.1), 0.2, -0.17, 0.18);
    """,
    ),
    motif(
        "forest",
        "wald wälder wäldern waldes tanne tannen fichte forest forests wood woods fir pine pines 🌲",
        "ground",
        0.62,
        "forest",
        """
        for (const [x, s, d] of [
          [-0.32, 0.7, -0.25],
          [0.32, 0.78, -0.18],
          [0, 1, 0],
        ]) {
          cut("#4b3626", [x - 0.03, 0.5], [x - 0.03, 0.3], [x + 0.03, 0.3], [x + 0.03, 0.5]);
          for (let i = 0; i < 3; i++)
            cut(
              shade(c, d + i * 0.05),
              [x - (0.23 - i * 0.05) * s, 0.4 - i * 0.26 * s],
              [x + (0.23 - i * 0.05) * s, 0.4 - i * 0.26 * s],
              [x, 0.02 - i * 0.26 * s],
            );
        }
    """,
    ),
    motif(
        "flower",
        "blume blumen blüte blüten tulpe mohn lilie flower flowers blossom blossoms tulip poppy daisy 🌸 🌼 🌷",
        "ground",
        0.36,
        "pink",
        """
        bend("#4d7c3c", 0.04, [0, 0.5], [0.03, 0.25], [0, -0.15]);
        blob("#4d7c3c", [0.02, 0.32], [0.14, 0.16], [0.32, 0.12], [0.2, 0.3]);
        blob("#5d8f47", [0, 0.4], [-0.16, 0.26], [-0.3, 0.27], [-0.18, 0.4]);
        for (let i = 0; i < 8; i++) {
          push();
          translate(0, -0.2);
          rotate((i * PI) / 4);
          dot(i % 2 ? c : shade(c, 0.2), 0, -0.17, 0.15, 0.25);
          pop();
        }
        dot("#f0b429", 0, -0.2, 0.17);
        dot(shade("#f0b429", -0.25), 0.02, -0.18, 0.08);
    """,
    ),
    motif(
        "rose",
        "rose rosen roses 🌹",
        "ground",
        0.36,
        "red",
        """
        bend("#3f6b35", 0.04, [0, 0.5], [-0.02, 0.25], [0, -0.05]);
        blob("#3f6b35", [0, 0.3], [0.16, 0.14], [0.3, 0.14], [0.18, 0.3]);
        blob("#3f6b35", [0, 0.36], [-0.16, 0.2], [-0.3, 0.22], [-0.16, 0.36]);
        blob(
          shade(c, -0.2),
          [-0.27, -0.26],
          [-0.1, -0.36],
          [0.14, -0.37],
          [0.28, -0.24],
          [0.2, -0.02],
          [0, 0.06],
          [-0.2, -0.02],
        );
        blob(c, [-0.2, -0.25], [0, -0.46], [0.2, -0.24], [0.13, -0.06], [-0.13, -0.06]);
        bend(
          shade(c, -0.35),
          0.025,
          [-0.08, -0.12],
          [0.1, -0.16],
          [0.08, -0.3],
          [-0.06, -0.3],
          [-0.03, -0.2],
          [0.03, -0.22],
        );
    """,
    ),
    motif(
        "leaf",
        "blatt blätter blättern laub leaf leaves foliage 🍃 🍂 🍁",
        "small",
        0.28,
        "green",
        """
        blob(c, [0.42, -0.42], [0.34, 0.1], [0.02, 0.36], [-0.3, 0.3], [-0.28, -0.06], [-0.02, -0.34]);
        bend(shade(c, -0.35), 0.03, [-0.46, 0.48], [-0.2, 0.18], [0.1, -0.1], [0.36, -0.36]);
        for (let i = 0; i < 3; i++) {
          const t = -0.12 + i * 0.16;
          bend(shade(c, -0.25), 0.016, [t, -t], [t + 0.05, -t - 0.12], [t + 0.05, -t - 0.2]);
          bend(shade(c, -0.25), 0.016, [t, -t], [t + 0.1, -t + 0.04], [t + 0.18, -t + 0.03]);
        }
    """,
    ),
    motif(
        "mushroom",
        "pilz pilze pilzen mushroom mushrooms toadstool 🍄",
        "ground",
        0.28,
        "red",
        """
        blob("#efe3cb", [-0.1, -0.02], [0.1, -0.02], [0.12, 0.3], [0.17, 0.48], [-0.17, 0.48], [-0.12, 0.3]);
        blob(
          c,
          [-0.45, 0.04],
          [-0.36, -0.26],
          [0, -0.44],
          [0.36, -0.26],
          [0.45, 0.04],
          [0.2, 0.08],
          [-0.2, 0.08],
        );
        dot("#fff6e6", -0.18, -0.14, 0.13);
        dot("#fff6e6", 0.06, -0.27, 0.11);
        dot("#fff6e6", 0.22, -0.07, 0.14, 0.12);
        dot("#fff6e6", -0.02, -0.03, 0.08);
    """,
    ),
    motif(
        "cactus",
        "kaktus kakteen wüste wüsten cactus cacti desert deserts 🌵",
        "ground",
        0.44,
        "green",
        """
        bend(c, 0.13, [-0.02, 0.14], [-0.28, 0.12], [-0.3, -0.1], [-0.3, -0.14]);
        bend(c, 0.13, [0.02, 0.22], [0.26, 0.2], [0.28, -0.02], [0.28, -0.08]);
        box2(c, 0, 0.03, 0.24, 0.94, 0.12);
        for (const x of [-0.05, 0.05])
          for (let y = -0.3; y < 0.46; y += 0.12) dot(shade(c, 0.6), x, y, 0.02, 0.045);
        dot("#e75a7c", 0, -0.45, 0.12);
    """,
    ),
    motif(
        "grass",
        "gras gräser wiese wiesen feld felder garten gärten grass meadow meadows field fields garden gardens",
        "wide",
        1.02,
        "green",
        """
        fill(c);
        rect(-0.5, 0.3, 1, 0.7);
        for (let i = 0; i < 70; i++) {
          const x = -0.5 + i / 69,
            h = 0.06 + 0.08 * abs(sin(i * 12.9));
          bend(
            shade(c, 0.25 * sin(i * 5)),
            0.004,
            [x, 0.34],
            [x + 0.004, 0.34 - h * 0.6],
            [x + 0.012 * sin(i), 0.32 - h],
          );
        }
    """,
    ),
)
