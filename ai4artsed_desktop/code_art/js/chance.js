// Every source of chance in the page, drawn from the job's seed, so that the same job gives the same picture and sound.
// p5's random() and noise() and Tone's noise all draw from Math.random.
(() => {
  "use strict";
  const { seed } = window.__job;

  // sfc32, Chris Doty-Humphrey's "small fast counter" generator (PractRand, public domain): 128 bits of state.
  let a = 0x9e3779b9;
  let b = seed >>> 0;
  let c = Math.floor(seed / 2 ** 32) >>> 0;
  let counter = 1;
  const next = () => {
    const mixed = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + mixed | 0;
    return mixed >>> 0;
  };
  for (let round = 0; round < 20; round++) next(); // spreads neighbouring seeds apart

  // 53 bits, as Math.random gives them.
  Math.random = () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;

  const fill = (array) => {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let index = 0; index < bytes.length; index++) bytes[index] = next() & 0xff;
    return array;
  };
  crypto.getRandomValues = fill;
  crypto.randomUUID = () => {
    const hex = Array.from(fill(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
  };
})();
