"""Furniture, tools, instruments, machines."""

from ai4artsed_desktop.domain.sketchbook.motifs.base import motif

MOTIFS = (
    motif(
        "table",
        "tisch tische tischen tisches schreibtisch table tables desk",
        "ground",
        0.8,
        "wood",
        """
        cut(shade(c, -0.28), [-0.4, -0.12], [-0.32, -0.12], [-0.36, 0.5], [-0.41, 0.5]);
        cut(shade(c, -0.28), [0.4, -0.12], [0.32, -0.12], [0.36, 0.5], [0.41, 0.5]);
        box2(shade(c, -0.2), 0, -0.07, 0.8, 0.12);
        box2(c, 0, -0.16, 1, 0.09, 0.02);
        box2(shade(c, 0.25), 0, -0.195, 0.98, 0.018, 0.009);
        for (let i = 0; i < 4; i++)
          bend(
            shade(c, -0.14),
            0.005,
            [-0.44 + i * 0.2, -0.15],
            [-0.34 + i * 0.2, -0.14],
            [-0.2 + i * 0.2, -0.15],
          );
    """,
        -0.185,
    ),
    motif(
        "chair",
        "stuhl stühle sessel bank thron chair chairs bench throne seat",
        "ground",
        0.46,
        "wood",
        """
        for (const x of [-0.22, 0.22]) box2(shade(c, -0.25), x, 0.3, 0.06, 0.4);
        box2(c, -0.22, -0.16, 0.06, 0.66);
        box2(c, 0.22, -0.16, 0.06, 0.66);
        for (let i = 0; i < 3; i++) box2(shade(c, -0.12), 0, -0.4 + i * 0.15, 0.44, 0.07);
        box2(c, 0, 0.12, 0.56, 0.09, 0.03);
    """,
        0.08,
    ),
    motif(
        "window",
        "fenster fensters tür türen tor window windows door doors gate",
        "ground",
        0.5,
        "sky",
        """
        box2("#7a5738", 0, 0, 0.76, 1, 0.02);
        box2(c, 0, 0, 0.64, 0.88);
        blob(
          shade(c, 0.5),
          [-0.32, 0.1],
          [-0.1, 0.02],
          [0.12, 0.1],
          [0.32, 0.04],
          [0.32, 0.44],
          [-0.32, 0.44],
        );
        box2("#7a5738", 0, 0, 0.045, 0.9);
        box2("#7a5738", 0, -0.04, 0.66, 0.045);
    """,
    ),
    motif(
        "lamp",
        "lampe lampen laterne licht lamp lamps lantern light lights",
        "small",
        0.4,
        "yellow",
        """
        cut(shade(c, 0.7), [-0.3, -0.06], [0.3, -0.06], [0.42, 0.2], [-0.42, 0.2]);
        bend("#4a4039", 0.035, [0, -0.08], [0, 0.2], [0, 0.46]);
        dot("#4a4039", 0, 0.46, 0.36, 0.08);
        cut(c, [-0.16, -0.46], [0.16, -0.46], [0.32, -0.06], [-0.32, -0.06]);
        cut(shade(c, -0.18), [0.06, -0.46], [0.16, -0.46], [0.32, -0.06], [0.14, -0.06]);
    """,
    ),
    motif(
        "candle",
        "kerze kerzen candle candles",
        "small",
        0.34,
        "cream",
        """
        box2(c, 0, 0.2, 0.24, 0.6, 0.02);
        box2(shade(c, -0.14), 0.07, 0.2, 0.1, 0.6, 0.02);
        bend("#2a2421", 0.02, [0, -0.1], [0.005, -0.14], [0, -0.18]);
        blob("#f2a53a", [0, -0.5], [0.1, -0.27], [0.05, -0.14], [-0.05, -0.14], [-0.1, -0.27]);
        blob("#ffe9a8", [0, -0.34], [0.045, -0.24], [0, -0.16], [-0.045, -0.24]);
    """,
    ),
    motif(
        "book",
        "buch bücher büchern buches gedicht gedichte geschichte geschichten märchen book books poem poems "
        "story stories tale 📖",
        "small",
        0.34,
        "blue",
        """
        cut(c, [-0.5, 0.04], [0, 0.12], [0.5, 0.04], [0.5, 0.44], [0, 0.5], [-0.5, 0.44]);
        cut("#f7efdf", [-0.45, -0.04], [-0.2, -0.02], [0, 0.08], [0, 0.44], [-0.2, 0.36], [-0.45, 0.36]);
        cut(
          shade("#f7efdf", -0.08),
          [0.45, -0.04],
          [0.2, -0.02],
          [0, 0.08],
          [0, 0.44],
          [0.2, 0.36],
          [0.45, 0.36],
        );
        for (let i = 0; i < 5; i++)
          for (const s of [-1, 1])
            bend(
              "#8a8178",
              0.009,
              [s * 0.08, 0.12 + i * 0.055],
              [s * 0.2, 0.06 + i * 0.055],
              [s * 0.4, 0.03 + i * 0.06],
            );
    """,
    ),
    motif(
        "letter",
        "brief briefe umschlag post postkarte letter letters envelope mail postcard message ✉",
        "small",
        0.3,
        "cream",
        """
        box2(c, 0, 0.12, 0.94, 0.66, 0.02);
        cut(shade(c, -0.1), [-0.47, 0.45], [0, 0.1], [0.47, 0.45]);
        cut(shade(c, -0.18), [-0.47, -0.2], [0.47, -0.2], [0, 0.2]);
        dot("#b73a2e", 0, 0.17, 0.15);
    """,
    ),
    motif(
        "key",
        "schlüssel key keys lock 🔑",
        "small",
        0.26,
        "gold",
        """
        push();
        noFill();
        stroke(c);
        strokeWeight(0.09);
        circle(-0.28, 0.26, 0.32);
        pop();
        box2(c, 0.16, 0.26, 0.6, 0.085);
        box2(c, 0.3, 0.36, 0.07, 0.16);
        box2(c, 0.42, 0.38, 0.07, 0.2);
    """,
    ),
    motif(
        "box",
        "kiste kisten schachtel schachteln karton kartons koffer truhe paket geschenk box boxes chest suitcase crate "
        "parcel gift present",
        "small",
        0.34,
        "ochre",
        """
        box2(c, 0, 0.2, 0.84, 0.6);
        cut(shade(c, -0.2), [0.16, -0.1], [0.42, -0.1], [0.42, 0.5], [0.16, 0.5]);
        box2(shade(c, 0.18), 0, -0.08, 0.94, 0.16, 0.02);
        box2(shade(c, -0.35), -0.13, 0.2, 0.1, 0.6);
        box2(shade(c, -0.28), -0.13, -0.08, 0.1, 0.16);
    """,
        -0.15,
    ),
    motif(
        "clock",
        "uhr uhren zeit stunde clock clocks watch time hour hours ⏰",
        "small",
        0.34,
        "cream",
        """
        dot("#4a3b30", 0, 0.06, 0.88);
        dot(c, 0, 0.06, 0.76);
        for (let i = 0; i < 12; i++)
          dot("#4a3b30", 0.31 * sin((i * PI) / 6), 0.06 - 0.31 * cos((i * PI) / 6), i % 3 ? 0.025 : 0.05);
        bend("#241d1a", 0.035, [0, 0.06], [-0.06, -0.03], [-0.12, -0.11]);
        bend("#241d1a", 0.025, [0, 0.06], [0.08, -0.05], [0.17, -0.17]);
        dot("#b73a2e", 0, 0.06, 0.06);
    """,
    ),
    motif(
        "umbrella",
        "schirm schirme regenschirm umbrella umbrellas parasol ☂ ☔",
        "ground",
        0.42,
        "red",
        """
        bend("#3a2d25", 0.03, [0, -0.4], [0, 0.1], [0, 0.38], [0.07, 0.47], [0.15, 0.4]);
        push();
        fill(c);
        arc(0, 0, 0.96, 0.86, PI, TWO_PI);
        fill(shade(c, -0.18));
        arc(0, 0, 0.34, 0.86, PI, TWO_PI);
        pop();
        for (const x of [-0.325, 0, 0.325]) dot(shade(c, -0.1), x, 0, 0.31, 0.07);
    """,
    ),
    motif(
        "balloon",
        "ballon ballons luftballon luftballons ball bälle balloon balloons kite kites ball balls 🎈",
        "sky",
        0.34,
        "red",
        """
        blob(c, [0, -0.5], [0.28, -0.34], [0.28, -0.04], [0, 0.22], [-0.28, -0.04], [-0.28, -0.34]);
        blob(shade(c, 0.6), [-0.16, -0.36], [-0.08, -0.4], [-0.1, -0.26], [-0.18, -0.2]);
        cut(shade(c, -0.2), [0, 0.19], [0.05, 0.26], [-0.05, 0.26]);
        bend("#5b5048", 0.012, [0, 0.26], [0.05, 0.34], [-0.04, 0.42], [0, 0.5]);
    """,
    ),
    motif(
        "guitar",
        "gitarre gitarren geige geigen violine musik lied guitar guitars violin fiddle cello music song songs 🎸",
        "ground",
        0.46,
        "ochre",
        """
        push();
        rotate(0.35);
        box2("#5b3d24", 0, -0.22, 0.07, 0.46);
        box2("#3a2417", 0, -0.46, 0.12, 0.1, 0.02);
        blob(
          c,
          [-0.15, -0.04],
          [0, -0.08],
          [0.15, -0.04],
          [0.14, 0.1],
          [0.23, 0.3],
          [0.1, 0.46],
          [-0.1, 0.46],
          [-0.23, 0.3],
          [-0.14, 0.1],
        );
        dot("#3a2417", 0, 0.14, 0.14);
        box2("#5b3d24", 0, 0.34, 0.18, 0.035);
        for (let i = -1; i <= 1; i++)
          bend("#f7efdf", 0.007, [i * 0.018, -0.42], [i * 0.018, 0], [i * 0.018, 0.34]);
        pop();
    """,
    ),
    motif(
        "bell",
        "glocke glocken klingel bell bells chime 🔔",
        "small",
        0.32,
        "gold",
        """
        dot(shade(c, -0.4), 0, 0.4, 0.17);
        blob(
          c,
          [0, -0.44],
          [0.17, -0.3],
          [0.24, 0.02],
          [0.4, 0.32],
          [0, 0.36],
          [-0.4, 0.32],
          [-0.24, 0.02],
          [-0.17, -0.3],
        );
        bend(shade(c, -0.3), 0.035, [-0.36, 0.27], [0, 0.3], [0.36, 0.27]);
        blob(shade(c, 0.5), [-0.12, -0.26], [-0.06, -0.26], [-0.12, 0.06], [-0.2, 0.12]);
    """,
    ),
    motif(
        "crown",
        "krone kronen könig königin prinz prinzessin crown crowns king kings queen queens prince princess 👑",
        "small",
        0.32,
        "gold",
        """
        cut(
          c,
          [-0.42, 0.46],
          [-0.48, -0.16],
          [-0.22, 0.12],
          [0, -0.3],
          [0.22, 0.12],
          [0.48, -0.16],
          [0.42, 0.46],
        );
        box2(shade(c, -0.22), 0, 0.4, 0.84, 0.13);
        for (const [x, y, h] of [
          [-0.48, -0.2, "#c8412f"],
          [0, -0.35, "#3f7fbf"],
          [0.48, -0.2, "#c8412f"],
        ])
          dot(h, x * 0.94, y, 0.11);
        dot("#3f7fbf", 0, 0.4, 0.08);
        dot("#c8412f", -0.22, 0.4, 0.07);
        dot("#c8412f", 0.22, 0.4, 0.07);
    """,
    ),
    motif(
        "hat",
        "hut hüte mütze hat hats cap",
        "small",
        0.34,
        "charcoal",
        """
        dot(c, 0, 0.38, 0.98, 0.22);
        cut(c, [-0.28, 0.38], [-0.32, -0.3], [0.32, -0.3], [0.28, 0.38]);
        dot(shade(c, 0.15), 0, -0.3, 0.64, 0.12);
        cut("#b73a2e", [-0.29, 0.32], [-0.3, 0.16], [0.3, 0.16], [0.29, 0.32]);
    """,
    ),
    motif(
        "knife",
        "messer löffel gabel schwert schere knife knives spoon fork sword scissors",
        "small",
        0.34,
        "grey",
        """
        blob(c, [-0.04, 0.28], [0.06, 0.22], [0.44, 0.26], [0.5, 0.3], [0.4, 0.37], [-0.04, 0.38]);
        box2("#4a3325", -0.26, 0.33, 0.44, 0.11, 0.05);
        dot("#c9b58a", -0.36, 0.33, 0.03);
        dot("#c9b58a", -0.18, 0.33, 0.03);
    """,
    ),
    motif(
        "ladder",
        "leiter leitern treppe treppen ladder ladders stairs staircase",
        "ground",
        0.6,
        "wood",
        """
        for (const s of [-1, 1]) bend(c, 0.045, [s * 0.2, 0.48], [s * 0.17, 0], [s * 0.14, -0.48]);
        for (let i = 0; i < 7; i++) box2(shade(c, -0.15), 0, -0.38 + i * 0.13, 0.31 + i * 0.017, 0.035);
    """,
    ),
    motif(
        "machine",
        "maschine maschinen motor fabrik zahnrad zahnräder getriebe machine machines engine engines factory "
        "gear gears cog ⚙",
        "ground",
        0.5,
        "slate",
        """
        for (const [x, y, r, n, turn, tint] of [
          [-0.16, 0.1, 0.3, 12, 0, 0],
          [0.24, -0.22, 0.2, 9, 0.2, 0.3],
          [0.27, 0.3, 0.15, 7, 0.1, -0.25],
        ]) {
          push();
          translate(x, y);
          rotate(turn);
          for (let i = 0; i < n; i++) {
            push();
            rotate((i * TWO_PI) / n);
            box2(shade(c, tint), 0, -r, r * 0.3, r * 0.42, 0.01);
            pop();
          }
          dot(shade(c, tint), 0, 0, r * 2);
          dot(shade(c, tint - 0.3), 0, 0, r * 1.2);
          dot(shade(c, tint + 0.45), 0, 0, r * 0.5);
          pop();
        }
    """,
    ),
    motif(
        "robot",
        "roboter computer rechner bildschirm robot robots computer computers android screen 🤖",
        "ground",
        0.46,
        "grey",
        """
        bend("#5b5048", 0.02, [0, -0.36], [0, -0.42], [0, -0.46]);
        dot("#c8412f", 0, -0.47, 0.06);
        box2(c, 0, -0.22, 0.46, 0.32, 0.06);
        box2("#22303a", 0, -0.22, 0.36, 0.2, 0.04);
        dot("#7fe0c4", -0.09, -0.22, 0.08);
        dot("#7fe0c4", 0.09, -0.22, 0.08);
        box2(shade(c, -0.12), 0, 0.12, 0.54, 0.32, 0.04);
        bend(shade(c, -0.25), 0.07, [-0.28, 0.02], [-0.4, 0.1], [-0.42, 0.26]);
        bend(shade(c, -0.25), 0.07, [0.28, 0.02], [0.4, 0.1], [0.42, 0.26]);
        box2(shade(c, -0.25), -0.13, 0.38, 0.12, 0.22, 0.02);
        box2(shade(c, -0.25), 0.13, 0.38, 0.12, 0.22, 0.02);
        dot("#f2b134", -0.1, 0.1, 0.07);
        dot("#c8412f", 0.02, 0.1, 0.07);
        box2("#22303a", 0.15, 0.1, 0.08, 0.1);
    """,
    ),
)
