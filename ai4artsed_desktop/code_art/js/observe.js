// Runs in every frame in a world of its own, where the sketch cannot reach it: tells the host what the content
// security policy refused. The event reaches all worlds of a frame.
addEventListener(
  "securitypolicyviolation",
  (event) => {
    console.info("codeart-report:" + JSON.stringify(["refused", { directive: event.effectiveDirective, address: event.blockedURI.slice(0, 500) }]));
  },
  true,
);
