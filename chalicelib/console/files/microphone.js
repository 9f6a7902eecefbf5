/** The microphone, as bare samples: signed, 16 bit, little-endian, in pieces of a tenth of a second or so. */

const REFUSED = {
  NotAllowedError:
    "The browser may not use the microphone. Allow it for this page (by the sign beside the address), then try again.",
  NotFoundError: "No microphone was found. Connect one, then try again.",
  NotReadableError: "The microphone is taken by another program. Close that, then try again.",
};

/**
 * Open the microphone; `heard(bytes)` gets its samples. Returns `{contentType, close}`.
 *
 * Throws an Error whose message is for the user.
 */
export async function microphone(heard) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error(
      "Browsers give a page the microphone over https, and on this machine itself (http://127.0.0.1), only. Open the console there.",
    );
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      // What a model learns is the raw line: nothing should be cleaned before it hears it.
      audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
  } catch (error) {
    throw new Error(REFUSED[error.name] ?? `The microphone could not be opened: ${error.message}`);
  }
  const context = new AudioContext();
  await context.audioWorklet.addModule(new URL("microphone-worklet.js", import.meta.url));
  const taken = new AudioWorkletNode(context, "samples", { numberOfOutputs: 0 });
  taken.port.onmessage = ({ data }) => heard(data);
  context.createMediaStreamSource(stream).connect(taken);
  return {
    contentType: `audio/l16;rate=${context.sampleRate};channels=1;endianness=little-endian`,
    close: () => {
      for (const track of stream.getTracks()) track.stop();
      return context.close();
    },
  };
}
