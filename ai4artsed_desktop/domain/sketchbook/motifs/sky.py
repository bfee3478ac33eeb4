"""Sky, light and weather."""

from ai4artsed_desktop.domain.sketchbook.motifs.base import motif

MOTIFS = (
    motif(
        "sun",
        "sonne sonnen sun suns sunrise sunset ☀ 🌞",
        "sky",
        0.34,
        "yellow",
        """
        for (let i = 0; i < 16; i++) {
          push();
          rotate((i * PI) / 8);
          cut(i % 2 ? shade(c, 0.25) : c, [-0.05, -0.32], [0.05, -0.32], [0, i % 2 ? -0.43 : -0.5]);
          pop();
        }
        dot(c, 0, 0, 0.56);
        dot(shade(c, 0.3), -0.05, -0.05, 0.38);
    """,
    ),
    motif(
        "moon",
        "mond monde mondes moon moons 🌙 🌛",
        "sky",
        0.32,
        "cream",
        """
        blob(
          c,
          [0.16, -0.46],
          [-0.14, -0.4],
          [-0.4, -0.1],
          [-0.36, 0.22],
          [-0.1, 0.45],
          [0.22, 0.44],
          [0.38, 0.3],
          [0.08, 0.26],
          [-0.1, 0.06],
          [-0.1, -0.22],
        );
        dot(shade(c, -0.15), -0.24, 0.0, 0.09);
        dot(shade(c, -0.15), -0.12, 0.28, 0.07);
    """,
    ),
    motif(
        "star",
        "stern sterne sternen komet kometen star stars comet ⭐ 🌟",
        "sky",
        0.16,
        "yellow",
        """
        fill(c);
        beginShape();
        for (let i = 0; i < 10; i++)
          vertex((i % 2 ? 0.21 : 0.5) * sin((i * PI) / 5), -(i % 2 ? 0.21 : 0.5) * cos((i * PI) / 5));
        endShape(CLOSE);
    """,
    ),
    motif(
        "cloud",
        "wolke wolken nebel himmel cloud clouds fog mist sky ☁",
        "sky",
        0.36,
        "cloud",
        """
        dot(c, -0.24, 0.06, 0.4, 0.34);
        dot(c, 0.24, 0.08, 0.44, 0.32);
        dot(c, 0, -0.08, 0.48, 0.44);
        box2(c, 0, 0.14, 0.72, 0.22, 0.11);
        blob(shade(c, -0.1), [-0.4, 0.18], [0, 0.12], [0.42, 0.16], [0.34, 0.25], [-0.34, 0.25]);
    """,
    ),
    motif(
        "rain",
        "regen regens regnet schauer tränen rain rains rainy raining shower tears tear drop drops tropfen 🌧",
        "weather",
        1,
        "blue",
        """
        for (let i = 0; i < 90; i++) {
          const x = ((i * 0.618034) % 1) - 0.5,
            y = ((i * 0.381966 * 1.7) % 1) - 0.5;
          bend(shade(c, (i % 3) * 0.15), 0.0035, [x, y], [x - 0.006, y + 0.025], [x - 0.012, y + 0.05]);
        }
    """,
    ),
    motif(
        "snow",
        "schnee schnees schneit schneeflocke schneeflocken winter snow snowy snowflake snowflakes ❄",
        "weather",
        1,
        "white",
        """
        for (let i = 0; i < 110; i++) {
          const x = ((i * 0.618034) % 1) - 0.5,
            y = ((i * 0.754877) % 1) - 0.5;
          dot(c, x, y, 0.006 + 0.012 * abs(sin(i * 7.1)));
        }
    """,
    ),
    motif(
        "lightning",
        "blitz blitze gewitter donner lightning thunder thunderstorm storm sturm ⚡",
        "sky",
        0.42,
        "yellow",
        """
        cut(
          c,
          [0.06, -0.5],
          [-0.24, 0.06],
          [-0.03, 0.06],
          [-0.14, 0.5],
          [0.24, -0.1],
          [0.03, -0.1],
          [0.22, -0.5],
        );
    """,
    ),
    motif(
        "rainbow",
        "regenbogen regenbögen rainbow rainbows 🌈",
        "sky",
        0.66,
        "red",
        """
        push();
        noFill();
        strokeWeight(0.052);
        strokeCap(SQUARE);
        ["#d9483b", "#ee8a2f", "#f3c742", "#5da05a", "#3f7fbf", "#7a5aa6"].forEach((hue, i) => {
          stroke(hue);
          arc(0, 0.32, 0.92 - i * 0.1, 0.92 - i * 0.1, PI, TWO_PI);
        });
        pop();
    """,
    ),
    motif(
        "fire",
        "feuer feuers flamme flammen brand brennt glut fire fires flame flames burning blaze 🔥",
        "ground",
        0.4,
        "orange",
        """
        blob(
          shade(c, -0.12),
          [0, -0.48],
          [0.14, -0.2],
          [0.3, -0.24],
          [0.36, 0.12],
          [0.26, 0.44],
          [0, 0.5],
          [-0.26, 0.44],
          [-0.36, 0.14],
          [-0.2, -0.1],
          [-0.12, -0.2],
        );
        blob(
          c,
          [0.02, -0.22],
          [0.12, 0],
          [0.24, 0.04],
          [0.22, 0.32],
          [0, 0.49],
          [-0.22, 0.34],
          [-0.24, 0.1],
          [-0.1, 0.02],
        );
        blob("#ffe08a", [0, 0.08], [0.1, 0.24], [0.1, 0.38], [0, 0.47], [-0.1, 0.38], [-0.1, 0.24]);
    """,
    ),
    motif(
        "planet",
        "planet planeten erde welt welten globus kugel planet planets earth world globe sphere space weltall 🌍 🪐",
        "sky",
        0.4,
        "blue",
        """
        bend(
          shade("#d9b26b", 0.1),
          0.035,
          [-0.26, 0.0],
          [-0.48, 0.16],
          [-0.3, 0.2],
          [0, 0.12],
          [0.3, -0.04],
          [0.48, -0.16],
          [0.34, -0.16],
        );
        dot(c, 0, 0, 0.6);
        blob(shade(c, 0.35), [-0.2, -0.16], [0, -0.22], [0.06, -0.08], [-0.1, 0.02]);
        blob(shade(c, 0.35), [0.04, 0.08], [0.2, 0.06], [0.16, 0.2], [0.04, 0.2]);
        bend(shade("#d9b26b", 0.1), 0.035, [-0.4, 0.185], [-0.3, 0.2], [0, 0.12], [0.3, -0.04], [0.4, -0.11]);
    """,
    ),
)
