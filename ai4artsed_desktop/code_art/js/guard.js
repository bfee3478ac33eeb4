// Runs first in every frame, before any other script, in the sketch's own world.
// Takes away the doors that neither the content security policy nor the request interceptor closes (WebRTC above all),
// and reports what the sketch tries and what it breaks. A report is a console line with a prefix only the host gives.
// A sketch may forge a report: it would only denounce itself.
(() => {
  "use strict";
  Error.stackTraceLimit = 50; // deep enough to find the sketch's own line below a library's
  const PREFIX = "codeart-report:";
  const print = console.info.bind(console);
  const stringify = JSON.stringify;
  const report = (kind, detail) => print(PREFIX + stringify([kind, detail]));
  const hide = (target, name, value) =>
    Object.defineProperty(target, name, { value, writable: false, enumerable: false, configurable: false });

  const forbidden = (kind, name) =>
    function () {
      const address = arguments.length ? stringify(arguments[0]) || "" : "";
      report(kind, name + " " + address.slice(0, 500));
      throw new DOMException(name + " is not available to sketches", "NotAllowedError");
    };
  for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection", "RTCDataChannel", "WebTransport"]) {
    if (name in window) hide(window, name, forbidden("webrtc", name));
  }
  for (const name of ["SharedWorker", "BroadcastChannel"]) delete window[name];

  hide(window, "open", (address) => {
    report("popup", String(address === undefined ? "" : address).slice(0, 500));
    return null;
  });

  const describe = (error) => ({
    message: String((error && error.message) || error).slice(0, 2000),
    name: String((error && error.name) || "").slice(0, 100),
    stack: String((error && error.stack) || "").slice(0, 8000),
  });
  // The hosts report what they caught themselves the same way; the name is no secret, see above.
  hide(window, "__reportFailure", (error) => report("error", describe(error)));
  addEventListener(
    "error",
    (event) => {
      if (!(event instanceof ErrorEvent)) return; // an image that did not load: the refused request says it better
      const about = describe(event.error === null || event.error === undefined ? event.message : event.error);
      report("error", { ...about, shown: event.message, file: event.filename, line: event.lineno, column: event.colno });
    },
    true,
  );
  addEventListener("unhandledrejection", (event) => report("rejection", describe(event.reason)), true);
})();
