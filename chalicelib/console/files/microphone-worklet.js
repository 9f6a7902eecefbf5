/** Runs in the audio thread: collects samples, and passes them on as 16-bit integers. */

const FRAMES = 4096;

class Samples extends AudioWorkletProcessor {
  constructor() {
    super();
    this._view = new DataView(new ArrayBuffer(2 * FRAMES));
    this._filled = 0;
  }

  process([[channel]]) {
    for (const sample of channel ?? []) {
      this._view.setInt16(2 * this._filled, Math.max(-1, Math.min(1, sample)) * 32767, true);
      this._filled += 1;
      if (this._filled === FRAMES) {
        this.port.postMessage(this._view.buffer.slice(0));
        this._filled = 0;
      }
    }
    return true;
  }
}

registerProcessor("samples", Samples);
