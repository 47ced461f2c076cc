// A clock for what must go on in a tab that nobody looks at: browsers slow down its timers, and not its sound.

const FRAMES_A_SECOND = 20;

class Clock extends AudioWorkletProcessor {
  constructor() {
    super();
    this.next = 0;
  }

  process() {
    if (currentTime >= this.next) {
      this.next = Math.max(this.next + 1 / FRAMES_A_SECOND, currentTime);
      this.port.postMessage(null);
    }
    return true;
  }
}

registerProcessor("clock", Clock);
