// After Tone.js and the sketch: runs the piece inside an offline audio context and hands the samples to the host.
// The sketch arrives as the function __compose; see bundle.py.
(() => {
  "use strict";
  const { durationS, sampleRateHz } = window.__job;
  const clock = window.__clock;
  const stringify = JSON.stringify;
  const reportFailure = window.__reportFailure;

  let phase = "waiting"; // → composing → rendering → done | failed
  let channels = [];

  // Tone 15 keeps Transport, Destination, Draw, Listener and context as constants of the page's live context. Inside an
  // offline rendering they would be the wrong ones, so the piece sees a Tone whose constants follow the current context.
  const offlineTone = (pending) => {
    class Reverb extends Tone.Reverb {
      // Its impulse response is made asynchronously; without it the piece would start dry.
      generate() {
        const made = super.generate();
        pending.push(made);
        return made;
      }
    }
    const follow = (get) => ({ get, enumerable: true });
    const fixed = (value) => ({ value, enumerable: true });
    return Object.create(Tone, {
      Reverb: fixed(Reverb),
      Transport: follow(() => Tone.getTransport()),
      Destination: follow(() => Tone.getDestination()),
      Master: follow(() => Tone.getDestination()),
      Draw: follow(() => Tone.getDraw()),
      Listener: follow(() => Tone.getListener()),
      context: follow(() => Tone.getContext()),
      start: fixed(() => Promise.resolve()), // nothing to unlock: no loudspeaker is involved
    });
  };

  const play = async (context) => {
    const pending = [];
    const { transport } = context;
    let wasStarted = false;
    const start = transport.start;
    transport.start = function (...args) {
      wasStarted = true;
      return start.apply(this, args);
    };
    const tone = offlineTone(pending);
    let entry = null; // the sketch's own compose() or setup(), if it declares one
    await window.__compose(tone, durationS, (declared) => (entry = declared));
    if (entry) await entry(tone, durationS);
    while (pending.length) await pending.shift();
    await Tone.loaded();
    if (!wasStarted) transport.start(0); // what was scheduled is meant to be heard
    phase = "rendering";
  };

  const begin = () => {
    if (typeof window.__compose !== "function") {
      phase = "failed"; // the sketch did not parse; the error is reported already
      return state();
    }
    phase = "composing";
    Tone.Offline(play, durationS, 2, sampleRateHz).then(
      (buffer) => {
        channels = buffer.toArray();
        phase = "done";
      },
      (error) => {
        phase = "failed";
        reportFailure(error);
      },
    );
    return state();
  };

  const state = () => stringify({ phase, channels: channels.length, samples: channels.length ? channels[0].length : 0 });
  const tick = () => {
    clock.advance();
    return state();
  };
  // Little-endian 32-bit floats as base64; the host asks piece by piece, so that no text grows large.
  const take = (channel, first, count) => {
    const piece = channels[channel].slice(first, first + count);
    const bytes = new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
    let text = "";
    for (let index = 0; index < bytes.length; index += 32768) {
      text += String.fromCharCode.apply(null, bytes.subarray(index, index + 32768));
    }
    return btoa(text);
  };
  Object.defineProperty(window, "__host", { value: Object.freeze({ begin, state, tick, take }) });
})();
