// Every way out that a page has. $TCP and $UDP are the ports of listeners on this machine.
const HOST = "http://127.0.0.1:$TCP";
const STUN = { urls: "stun:127.0.0.1:$UDP" };
const TURN = { urls: "turn:127.0.0.1:$TCP?transport=tcp", username: "a", credential: "b" };

function attempt(name, way) {
  const refused = () => undefined;
  try {
    const result = way();
    if (result && result.then) result.then(() => console.log("WORKED " + name), refused);
  } catch (error) {
    refused(error);
  }
}

function element(tag, properties) {
  const made = Object.assign(document.createElement(tag), properties);
  document.body.append(made);
  return made;
}

function call(connection) {
  connection.createDataChannel("x");
  connection.createOffer().then((offer) => connection.setLocalDescription(offer));
}

const WAYS = {
  fetch: () => fetch(HOST + "/fetch"),
  xhr: () => {
    const request = new XMLHttpRequest();
    request.open("GET", HOST + "/xhr");
    request.send();
  },
  websocket: () => void new WebSocket("ws://127.0.0.1:$TCP/ws"),
  eventSource: () => void new EventSource(HOST + "/es"),
  image: () => void (new Image().src = HOST + "/img"),
  stylesheet: () => void element("link", { rel: "stylesheet", href: HOST + "/css" }),
  background: () => void (document.body.style.backgroundImage = `url(${HOST}/cssbg)`),
  prefetch: () => void element("link", { rel: "prefetch", href: HOST + "/prefetch" }),
  preload: () => void element("link", { rel: "preload", as: "script", href: HOST + "/preload" }),
  modulepreload: () => void element("link", { rel: "modulepreload", href: HOST + "/modulepreload" }),
  preconnect: () => void element("link", { rel: "preconnect", href: HOST }),
  dns: () => void element("link", { rel: "dns-prefetch", href: "//nowhere.invalid" }),
  font: () => new FontFace("x", `url(${HOST}/font)`).load(),
  import: () => import(HOST + "/import.js"),
  script: () => void element("script", { src: HOST + "/script.js" }),
  media: () => new Audio(HOST + "/media").play(),
  worker: () => void new Worker(HOST + "/worker.js"),
  sharedWorker: () => void new SharedWorker(HOST + "/worker.js"),
  serviceWorker: () => navigator.serviceWorker.register("/sw.js"),
  beacon: () => void navigator.sendBeacon(HOST + "/beacon", "x"), // says true, and nothing leaves
  popup: () => window.open(HOST + "/popup") && Promise.resolve(),
  anchor: () => element("a", { href: HOST + "/anchor", target: "_blank" }).click(),
  ping: () => element("a", { href: "#x", ping: HOST + "/ping" }).click(),
  iframe: () => void element("iframe", { src: HOST + "/iframe" }),
  srcdoc: () => void element("iframe", { srcdoc: `<img src="${HOST}/srcdoc"><script>new RTCPeerConnection()</script>` }),
  object: () => void element("object", { data: HOST + "/object" }),
  form: () => element("form", { action: HOST + "/form", method: "post" }).submit(),
  webrtc: () => call(new RTCPeerConnection({ iceServers: [STUN, TURN] })),
  webkitRtc: () => call(new webkitRTCPeerConnection({ iceServers: [STUN, TURN] })),
  blankFrameRtc: () => {
    const frame = element("iframe", {});
    call(new frame.contentWindow.RTCPeerConnection({ iceServers: [STUN, TURN] }));
    return Promise.resolve();
  },
  restoredRtc: () => {
    delete window.RTCPeerConnection;
    call(new window.RTCPeerConnection({ iceServers: [STUN, TURN] }));
    return Promise.resolve();
  },
  webTransport: () => void new WebTransport("https://127.0.0.1:$TCP/wt"),
  file: () => fetch("file:///etc/passwd"),
  fileImage: () => void (new Image().src = "file:///etc/hostname"),
  localStorage: () => localStorage.setItem("a", "b") || Promise.resolve(),
  indexedDb: () => indexedDB.open("x") && Promise.resolve(),
  cookie: () => (document.cookie = "a=b") && Promise.resolve(),
  caches: () => caches.open("x"),
  privateFiles: () => navigator.storage.getDirectory(),
  download: () => {
    const address = URL.createObjectURL(new Blob(["x"]));
    element("a", { download: "x.txt", href: address }).click();
  },
  place: () => new Promise((resolve, reject) => navigator.geolocation.getCurrentPosition(resolve, reject)),
  camera: () => navigator.mediaDevices.getUserMedia({ audio: true, video: true }),
  screen: () => navigator.mediaDevices.getDisplayMedia(),
  clipboard: () => navigator.clipboard.readText(),
  fullscreen: () => document.body.requestFullscreen(),
  alert: () => alert("x"),
  prompt: () => prompt("x") && Promise.resolve(),
  p5: () => void httpGet(HOST + "/p5http", "text", () => console.log("WORKED p5"), () => undefined),
  location: () => void (location.href = HOST + "/location"),
  fileLocation: () => void (location.href = "file:///etc/passwd"),
  refresh: () => void document.head.append(
    Object.assign(document.createElement("meta"), { httpEquiv: "refresh", content: `0;url=${HOST}/meta` }),
  ),
};

function setup() {
  createCanvas(50, 50);
  for (const [name, way] of Object.entries(WAYS)) attempt(name, way);
  console.log("all tried");
}

function draw() {
  background(0);
}
