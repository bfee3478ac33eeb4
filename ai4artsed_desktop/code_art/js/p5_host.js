// Between p5.js and the sketch: the canvas gets the job's size, whatever the sketch asks for, and the host gets the picture.
(() => {
  "use strict";
  const { width, height } = window.__job;
  const toDataUrl = HTMLCanvasElement.prototype.toDataURL;
  const { createCanvas, resizeCanvas } = p5.prototype;
  const clock = window.__clock;
  const stringify = JSON.stringify;

  let sketch = null; // the p5 instance that made a canvas first
  let picture = "";

  p5.prototype.createCanvas = function (_width, _height, ...rest) {
    sketch ??= this;
    return createCanvas.call(this, width, height, ...rest);
  };
  p5.prototype.resizeCanvas = function (_width, _height, ...rest) {
    return resizeCanvas.call(this, width, height, ...rest);
  };
  // One canvas pixel per sketch pixel: the picture's size is the job's, not the screen's.
  p5.prototype.pixelDensity = function (density) {
    return density === undefined ? 1 : this;
  };

  const state = () =>
    stringify({
      found: sketch !== null || typeof window.setup === "function" || typeof window.draw === "function",
      ready: sketch !== null && sketch._setupDone === true,
      idle: clock.isIdle(),
      elements: document.getElementsByTagName("*").length,
    });
  const tick = () => {
    clock.advance();
    return state();
  };
  // The length first, so that the host can refuse before it takes the text.
  const draw = () => {
    picture = toDataUrl.call(sketch.canvas, "image/png");
    return stringify({ length: picture.length, width: sketch.canvas.width, height: sketch.canvas.height });
  };
  const take = () => {
    const taken = picture;
    picture = "";
    return taken;
  };
  Object.defineProperty(window, "__host", { value: Object.freeze({ state, tick, draw, take }) });
})();
