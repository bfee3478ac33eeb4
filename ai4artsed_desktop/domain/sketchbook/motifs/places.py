"""Houses, landscapes, roads and what moves on them."""

from ai4artsed_desktop.domain.sketchbook.motifs.base import motif

MOTIFS = (
    motif(
        "house",
        "haus häuser häusern hauses hütte heim zuhause dorf dach house houses home cottage village roof 🏠 🏡",
        "ground",
        0.46,
        "cream",
        """
        box2(shade("#9b4a36", 0), 0.24, -0.26, 0.1, 0.24);
        box2(c, 0, 0.2, 0.78, 0.6);
        cut("#b4533c", [-0.47, -0.08], [0, -0.46], [0.47, -0.08]);
        cut(shade(c, -0.12), [0.2, -0.08], [0.39, -0.08], [0.39, 0.5], [0.2, 0.5]);
        box2("#6b4a33", -0.12, 0.34, 0.17, 0.32, 0.02);
        dot("#e8c25a", -0.07, 0.35, 0.025);
        for (const x of [-0.28, 0.14]) {
          box2("#f6d67a", x, 0.1, 0.15, 0.17);
          box2("#6b4a33", x, 0.1, 0.014, 0.17);
          box2("#6b4a33", x, 0.1, 0.15, 0.014);
        }
    """,
        -0.4,
    ),
    motif(
        "city",
        "stadt städte städten straße straßen hochhaus hochhäuser city cities town towns skyline street streets 🏙",
        "wide",
        0.98,
        "slate",
        """
        for (let i = 0; i < 13; i++) {
          const w = 0.085,
            x = -0.5 + (i + 0.5) / 13,
            h = 0.16 + 0.34 * abs(sin(i * 4.7 + 1));
          box2(shade(c, 0.3 * abs(sin(i * 2.3))), x, 0.3 - h / 2, w, h + 0.02);
          for (let y = 0.27; y > 0.34 - h; y -= 0.045)
            for (let k = -1; k <= 1; k++)
              if (sin(i * 31 + y * 170 + k * 9) > 0.1) box2("#f7d57e", x + k * 0.022, y, 0.011, 0.018);
        }
        box2(shade(c, -0.45), 0, 0.42, 1, 0.26);
    """,
    ),
    motif(
        "mountain",
        "berg berge bergen gebirge gipfel hügel vulkan mountain mountains hill hills peak volcano ⛰",
        "wide",
        0.94,
        "slate",
        """
        cut(
          shade(c, 0.35),
          [-0.5, 0.3],
          [-0.32, -0.08],
          [-0.14, 0.18],
          [0.04, -0.14],
          [0.3, 0.2],
          [0.42, 0.04],
          [0.5, 0.14],
          [0.5, 0.35],
          [-0.5, 0.35],
        );
        cut(
          c,
          [-0.5, 0.36],
          [-0.28, 0.14],
          [-0.16, 0.22],
          [0.14, -0.3],
          [0.42, 0.28],
          [0.5, 0.22],
          [0.5, 0.55],
          [-0.5, 0.55],
        );
        cut(
          shade(c, 0.85),
          [0.14, -0.3],
          [0.05, -0.14],
          [0.09, -0.16],
          [0.13, -0.1],
          [0.17, -0.15],
          [0.215, -0.145],
        );
        cut(
          shade(c, -0.22),
          [0.14, -0.3],
          [0.42, 0.28],
          [0.5, 0.22],
          [0.5, 0.55],
          [0.16, 0.55],
          [0.22, 0.2],
          [0.15, 0.0],
        );
    """,
    ),
    motif(
        "sea",
        "meer meere meeres see seen ozean fluss flüsse bach wasser welle wellen sea seas ocean river stream "
        "lake water wave waves 🌊",
        "wide",
        1.0,
        "blue",
        """
        for (let row = 0; row < 7; row++) {
          fill(shade(c, 0.4 - row * 0.12));
          beginShape();
          for (let x = -0.5; x <= 0.5; x += 0.01)
            vertex(x, 0.14 + row * 0.055 + (0.006 + row * 0.002) * sin(x * (46 - row * 3) + row * 1.9));
          vertex(0.51, 0.62);
          vertex(-0.51, 0.62);
          endShape(CLOSE);
        }
    """,
    ),
    motif(
        "bridge",
        "brücke brücken bridge bridges",
        "ground",
        0.7,
        "terracotta",
        """
        for (const s of [-1, 1]) box2(shade(c, -0.25), s * 0.27, 0.08, 0.05, 0.84);
        bend(c, 0.022, [-0.5, 0.14], [-0.27, -0.32], [0, 0.08], [0.27, -0.32], [0.5, 0.14]);
        for (let i = -9; i <= 9; i++) {
          const x = i * 0.03;
          bend(c, 0.007, [x, 0.16], [x, 0.1], [x, 0.08 - 5.4 * x * x]);
        }
        box2(c, 0, 0.18, 1, 0.06);
    """,
        0.15,
    ),
    motif(
        "tower",
        "turm türme türmen schloss burg burgen kirche leuchtturm tower towers castle castles church lighthouse",
        "ground",
        0.56,
        "grey",
        """
        cut(c, [-0.19, 0.5], [-0.15, -0.16], [0.15, -0.16], [0.19, 0.5]);
        box2(shade(c, -0.15), 0, -0.18, 0.42, 0.1);
        for (let i = -2; i <= 2; i += 2) box2(shade(c, -0.15), i * 0.085, -0.25, 0.08, 0.08);
        cut(shade(c, -0.18), [0.05, 0.5], [0.05, -0.13], [0.15, -0.13], [0.19, 0.5]);
        blob("#3a2a22", [-0.07, 0.5], [-0.07, 0.34], [0, 0.27], [0.07, 0.34], [0.07, 0.5]);
        for (const y of [-0.02, 0.14]) box2("#f6d67a", 0, y, 0.06, 0.1, 0.03);
        box2("#4a3a30", 0, -0.39, 0.014, 0.22);
        cut("#c8412f", [0.005, -0.5], [0.2, -0.44], [0.005, -0.38]);
    """,
    ),
    motif(
        "island",
        "insel inseln strand sand palme palmen island islands beach palm palms",
        "ground",
        0.54,
        "ochre",
        """
        blob(c, [-0.5, 0.5], [-0.2, 0.36], [0.2, 0.36], [0.5, 0.5]);
        bend("#7b5a3a", 0.045, [0.02, 0.4], [0.08, 0.1], [0.02, -0.2]);
        for (const [x, y] of [
          [-0.36, -0.1],
          [-0.3, -0.34],
          [0, -0.46],
          [0.3, -0.36],
          [0.38, -0.12],
        ])
          blob("#3f8a52", [0.02, -0.2], [x * 0.5, y * 0.55 - 0.16], [x, y], [x * 0.55, y * 0.5 - 0.05]);
        dot("#5b3d24", -0.02, -0.15, 0.07);
        dot("#5b3d24", 0.06, -0.14, 0.07);
    """,
    ),
    motif(
        "boat",
        "boot boote booten schiff schiffe schiffes segel segelboot boat boats ship ships sail sailboat ⛵",
        "water",
        0.4,
        "red",
        """
        cut(shade(c, -0.25), [-0.46, 0.2], [0.46, 0.2], [0.3, 0.46], [-0.32, 0.46]);
        cut(c, [-0.48, 0.16], [0.48, 0.16], [0.43, 0.27], [-0.43, 0.27]);
        box2("#5b4330", 0.01, -0.16, 0.025, 0.66);
        cut("#f5ecd9", [0.04, -0.46], [0.36, 0.1], [0.04, 0.1]);
        cut(shade("#f5ecd9", -0.12), [-0.03, -0.36], [-0.3, 0.1], [-0.03, 0.1]);
    """,
        0.16,
    ),
    motif(
        "car",
        "auto autos wagen bus busse car cars truck bus taxi 🚗",
        "ground",
        0.46,
        "red",
        """
        blob(c, [-0.3, 0.06], [-0.2, -0.18], [0.1, -0.18], [0.26, 0.04], [0.2, 0.1], [-0.24, 0.1]);
        box2(c, 0, 0.2, 0.94, 0.3, 0.1);
        cut("#cfe3ea", [-0.21, 0.05], [-0.15, -0.11], [-0.04, -0.12], [-0.04, 0.05]);
        cut("#cfe3ea", [0, 0.05], [0, -0.12], [0.08, -0.11], [0.18, 0.05]);
        for (const x of [-0.26, 0.26]) {
          dot("#241d1a", x, 0.36, 0.27);
          dot("#c9c2b8", x, 0.36, 0.12);
        }
        dot("#ffe29a", 0.44, 0.17, 0.06, 0.09);
    """,
    ),
    motif(
        "train",
        "zug züge bahn eisenbahn lokomotive straßenbahn train trains tram railway locomotive 🚂",
        "ground",
        0.56,
        "green",
        """
        box2(shade(c, -0.2), -0.24, 0.05, 0.44, 0.5, 0.03);
        box2(c, 0.2, 0.16, 0.46, 0.3, 0.06);
        box2(shade(c, -0.4), -0.24, -0.22, 0.5, 0.06, 0.02);
        box2("#f6d67a", -0.34, -0.02, 0.14, 0.17);
        box2("#f6d67a", -0.14, -0.02, 0.14, 0.17);
        box2(shade(c, -0.4), 0.31, -0.08, 0.1, 0.2);
        for (const x of [-0.36, -0.12, 0.12, 0.34]) {
          dot("#241d1a", x, 0.39, 0.21);
          dot("#c8412f", x, 0.39, 0.09);
        }
        dot("#d8d2c8", 0.32, -0.27, 0.15);
        dot("#d8d2c8", 0.2, -0.38, 0.18);
        dot("#d8d2c8", 0.03, -0.43, 0.14);
    """,
    ),
    motif(
        "bicycle",
        "fahrrad fahrräder rad räder bicycle bicycles bike bikes wheel wheels 🚲",
        "ground",
        0.46,
        "teal",
        """
        push();
        noFill();
        stroke("#2a2421");
        strokeWeight(0.03);
        circle(-0.27, 0.26, 0.42);
        circle(0.27, 0.26, 0.42);
        pop();
        for (let i = 0; i < 6; i++)
          for (const x of [-0.27, 0.27])
            bend(
              "#8c857c",
              0.006,
              [x, 0.26],
              [x + 0.1 * cos(i * 1.05), 0.26 + 0.1 * sin(i * 1.05)],
              [x + 0.2 * cos(i * 1.05), 0.26 + 0.2 * sin(i * 1.05)],
            );
        for (const [a, b] of [
          [
            [-0.27, 0.26],
            [-0.12, -0.06],
          ],
          [
            [-0.12, -0.06],
            [0.18, -0.06],
          ],
          [
            [-0.27, 0.26],
            [-0.02, 0.26],
          ],
          [
            [-0.02, 0.26],
            [-0.14, -0.14],
          ],
          [
            [-0.02, 0.26],
            [0.18, -0.06],
          ],
          [
            [0.27, 0.26],
            [0.15, -0.2],
          ],
        ])
          bend(c, 0.04, a, [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2], b);
        bend("#2a2421", 0.045, [-0.22, -0.15], [-0.14, -0.16], [-0.07, -0.15]);
        bend("#2a2421", 0.035, [0.15, -0.2], [0.2, -0.25], [0.27, -0.22]);
    """,
    ),
    motif(
        "rocket",
        "rakete raketen flugzeug flugzeuge rocket rockets spaceship plane planes airplane 🚀",
        "sky",
        0.42,
        "red",
        """
        blob("#f2a53a", [-0.1, 0.3], [0.1, 0.3], [0.06, 0.42], [0, 0.5], [-0.06, 0.42]);
        blob(c, [-0.14, 0.1], [-0.3, 0.24], [-0.3, 0.4], [-0.12, 0.3]);
        blob(c, [0.14, 0.1], [0.3, 0.24], [0.3, 0.4], [0.12, 0.3]);
        blob(
          "#f3ead9",
          [0, -0.5],
          [0.14, -0.24],
          [0.16, 0.06],
          [0.1, 0.3],
          [-0.1, 0.3],
          [-0.16, 0.06],
          [-0.14, -0.24],
        );
        blob(c, [0, -0.5], [0.09, -0.36], [0.12, -0.27], [0, -0.25], [-0.12, -0.27], [-0.09, -0.36]);
        dot(shade("#3f7fbf", -0.3), 0, -0.06, 0.17);
        dot("#bfe0ef", 0, -0.06, 0.12);
    """,
    ),
)
