// A clock that only the host moves: one tick is one sixtieth of a second. It replaces every clock and timer of the page,
// so that a sketch runs as fast as the machine can, without a visible window, and always the same.
(() => {
  "use strict";
  const TICK_MS = 1000 / 60;
  const EPOCH_MS = Date.UTC(2000, 0, 1, 10, 10, 30); // the moment every sketch lives in, when it asks for the date
  const MAX_TIMERS_PER_TICK = 10000;

  let tick = 0;
  let nowMs = 0;
  let nextId = 1;
  let frames = new Map();
  const timers = new Map();

  performance.now = () => nowMs;
  const RealDate = Date;
  window.Date = new Proxy(RealDate, {
    apply: () => new RealDate(EPOCH_MS + nowMs).toString(),
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length ? args : [EPOCH_MS + nowMs], newTarget === window.Date ? target : newTarget),
    get: (target, name) => (name === "now" ? () => Math.floor(EPOCH_MS + nowMs) : Reflect.get(target, name)),
  });

  window.requestAnimationFrame = (callback) => {
    frames.set(nextId, callback);
    return nextId++;
  };
  window.cancelAnimationFrame = (id) => frames.delete(id);

  const addTimer = (callback, delayMs, args, repeats) => {
    if (typeof callback !== "function") return 0; // text as code is refused by the content security policy as well
    const stepMs = Math.max(1, Number(delayMs) || 0);
    timers.set(nextId, { callback, args, dueMs: nowMs + stepMs, everyMs: repeats ? stepMs : 0 });
    return nextId++;
  };
  window.setTimeout = (callback, delayMs, ...args) => addTimer(callback, delayMs, args, false);
  window.setInterval = (callback, delayMs, ...args) => addTimer(callback, delayMs, args, true);
  window.clearTimeout = window.clearInterval = (id) => void timers.delete(id);
  window.requestIdleCallback = (callback) =>
    addTimer(callback, 1, [{ didTimeout: false, timeRemaining: () => 10 }], false);
  window.cancelIdleCallback = window.clearTimeout;
  delete window.Worker; // a worker has a clock and a chance of its own; Tone does without

  // An error in one callback must not keep the next one from running, as in a real event loop.
  const call = (callback, ...args) => {
    try {
      callback.apply(window, args);
    } catch (error) {
      reportError(error);
    }
  };
  const reportError = window.reportError.bind(window);

  const earliestDue = (limitMs) => {
    let found = 0;
    let dueMs = limitMs;
    for (const [id, timer] of timers) {
      if (timer.dueMs < dueMs || (timer.dueMs === dueMs && !found)) [found, dueMs] = [id, timer.dueMs];
    }
    return found;
  };

  const runTimersUntil = (limitMs) => {
    for (let count = 0; count < MAX_TIMERS_PER_TICK; count++) {
      const id = earliestDue(limitMs);
      if (!id) return;
      const timer = timers.get(id);
      nowMs = Math.max(nowMs, timer.dueMs);
      if (timer.everyMs) timer.dueMs = nowMs + timer.everyMs;
      else timers.delete(id);
      call(timer.callback, ...timer.args);
    }
  };

  const advance = () => {
    tick += 1;
    const frameMs = tick * TICK_MS;
    runTimersUntil(frameMs);
    nowMs = frameMs;
    const due = frames;
    frames = new Map();
    for (const callback of due.values()) call(callback, nowMs);
  };
  const isIdle = () => frames.size === 0 && timers.size === 0;
  Object.defineProperty(window, "__clock", { value: Object.freeze({ advance, isIdle }) });
})();
