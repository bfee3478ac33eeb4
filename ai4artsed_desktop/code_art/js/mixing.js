// Makes Web Audio add up in a fixed order. Chromium keeps the sources of an input in a set ordered by memory address;
// sums of three or more floats then differ in their last bit from process to process, and some 16-bit samples with them.
// Two numbers give the same sum in either order, so every input with several sources gets a tree of gain nodes with at
// most two sources each. Which source sits where depends on the order of the connect() calls alone.
(() => {
  "use strict";
  const nativeConnect = AudioNode.prototype.connect;
  const nativeDisconnect = AudioNode.prototype.disconnect;
  const inputsOf = new WeakMap(); // node or param → Map(input index → Input)
  const linksOf = new WeakMap(); // source node → [{ output, target, input, seat }]

  class Input {
    constructor(context, target, index) {
      Object.assign(this, { context, target, index, links: [], free: [], seats: null });
    }

    add(link) {
      this.links.push(link);
      if (this.links.length === 1 && !this.seats) {
        this.attach(link, null); // alone: no tree needed
        return;
      }
      if (!this.seats) {
        this.seats = this.growTree();
        const [first] = this.links;
        this.detach(first);
        this.attach(first, this.seats.next().value);
      }
      this.attach(link, this.free.pop() || this.seats.next().value);
    }

    remove(link) {
      this.links.splice(this.links.indexOf(link), 1);
      this.detach(link);
      if (link.seat) this.free.push(link.seat);
    }

    attach(link, seat) {
      link.seat = seat;
      if (seat) nativeConnect.call(link.source, seat, link.output);
      else if (this.target instanceof AudioParam) nativeConnect.call(link.source, this.target, link.output);
      else nativeConnect.call(link.source, this.target, link.output, this.index);
    }

    detach(link) {
      if (link.seat) nativeDisconnect.call(link.source, link.seat, link.output);
      else if (this.target instanceof AudioParam) nativeDisconnect.call(link.source, this.target, link.output);
      else nativeDisconnect.call(link.source, this.target, link.output, this.index);
    }

    gainInto(target) {
      const gain = this.context.createGain();
      if (this.target instanceof AudioNode) gain.channelInterpretation = this.target.channelInterpretation;
      if (target !== this.target || this.target instanceof AudioParam) nativeConnect.call(gain, target);
      else nativeConnect.call(gain, target, 0, this.index);
      return gain;
    }

    // Yields one place after the other; the tree grows as places are taken and stays shallow: along a spine hang
    // complete trees with 1, 2, 4, 8 … places.
    *growTree() {
      let spine = this.gainInto(this.target);
      yield spine;
      for (let depth = 1; ; depth++) {
        spine = this.gainInto(spine);
        yield* this.completeTree(spine, depth);
      }
    }

    *completeTree(parent, depth) {
      const root = this.gainInto(parent);
      if (depth === 1) {
        yield root;
        yield root;
        return;
      }
      yield* this.completeTree(root, depth - 1);
      yield* this.completeTree(root, depth - 1);
    }
  }

  const inputOf = (context, target, index) => {
    if (!inputsOf.has(target)) inputsOf.set(target, new Map());
    const inputs = inputsOf.get(target);
    if (!inputs.has(index)) inputs.set(index, new Input(context, target, index));
    return inputs.get(index);
  };

  AudioNode.prototype.connect = function (target, output = 0, index = 0) {
    const isParam = target instanceof AudioParam;
    const isUsable =
      isParam || (target instanceof AudioNode && target.context === this.context && index < target.numberOfInputs);
    if (!isUsable || output >= this.numberOfOutputs) return nativeConnect.apply(this, arguments); // raises its own error
    const links = linksOf.get(this) || [];
    linksOf.set(this, links);
    const same = (link) => link.target === target && link.output === output && link.index === index;
    if (!links.some(same)) {
      const link = { source: this, target, output, index, seat: null };
      links.push(link);
      inputOf(this.context, target, index).add(link);
    }
    return isParam ? undefined : target;
  };

  // disconnect(), (output), (target), (target, output), (target, output, input)
  AudioNode.prototype.disconnect = function (...args) {
    const links = linksOf.get(this) || [];
    const [target, output, index] = typeof args[0] === "number" ? [undefined, args[0]] : args;
    const chosen = links.filter(
      (link) =>
        (target === undefined || link.target === target) &&
        (output === undefined || link.output === output) &&
        (index === undefined || link.index === index),
    );
    if (args.length && !chosen.length) return nativeDisconnect.apply(this, args); // raises its own error
    for (const link of chosen) {
      links.splice(links.indexOf(link), 1);
      inputsOf.get(link.target).get(link.index).remove(link);
    }
  };
})();
