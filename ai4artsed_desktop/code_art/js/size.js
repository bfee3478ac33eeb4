// The window and screen that a p5.js sketch believes in: exactly the job's size, one device pixel per pixel.
(() => {
  "use strict";
  const { width, height } = window.__job;
  const pretend = (target, names, value) => {
    for (const name of names) Object.defineProperty(target, name, { get: () => value, configurable: false });
  };
  pretend(window, ["devicePixelRatio"], 1);
  pretend(window, ["innerWidth", "outerWidth"], width);
  pretend(window, ["innerHeight", "outerHeight"], height);
  pretend(screen, ["width", "availWidth"], width);
  pretend(screen, ["height", "availHeight"], height);
})();
