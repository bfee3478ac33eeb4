// After Tone.js and the sketch, in the live view: plays the piece on the loudspeakers, on the real clock.
(() => {
  "use strict";
  const { durationS } = window.__job;
  const reportFailure = window.__reportFailure;
  if (typeof window.__compose !== "function") return; // did not parse; the error is reported already

  const play = async () => {
    let entry = null;
    await window.__compose(Tone, durationS, (declared) => (entry = declared));
    if (entry) await entry(Tone, durationS);
    await Tone.loaded();
    if (Tone.getTransport().state !== "started") Tone.getTransport().start("+0.1");
  };
  play().catch(reportFailure);
})();
