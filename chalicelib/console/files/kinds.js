/** What files are, told by their names: recordings and archives with their content types, and odd ones. */

export const LARGEST_BYTES = 100 * 1024 * 1024;
const LONGEST_NAME = 128;

/** An empty content type has the service look at the first bytes. */
const RECORDINGS = {
  wav: "audio/wav",
  wave: "audio/wav",
  flac: "audio/flac",
  mp3: "audio/mp3",
  ogg: "audio/ogg",
  oga: "audio/ogg",
  opus: "audio/ogg",
  webm: "audio/webm",
  au: "audio/basic",
  snd: "audio/basic",
  g729: "audio/g729",
};
const ARCHIVES = { zip: "application/zip", tgz: "application/gzip", gz: "application/gzip" };

const ending = (name) => (name.includes(".") ? name.split(".").at(-1).toLowerCase() : "");

export const recordingType = (name) => RECORDINGS[ending(name)] ?? "";
export const contentType = (name) => recordingType(name) || ARCHIVES[ending(name)] || "";
export const isArchive = (name) => ending(name) in ARCHIVES;

/** Return why a file is no recording that can be added; nothing if it can. */
export function whyNot(file) {
  if (!contentType(file.name)) return "no recording";
  if (file.size === 0) return "empty";
  if (file.size > LARGEST_BYTES) return "larger than 100 MB: split it, or save it as FLAC";
  return "";
}

/** Return the name that a file gets in a model: with its folders, as an archive's members have them. */
export function nameInModel(path) {
  const name = path.replace(/^\/+/, "").replaceAll("/", "-");
  if (name.length <= LONGEST_NAME) return name;
  const kept = ending(name) ? `.${ending(name)}` : "";
  // The end of a path tells most of it apart.
  return name.slice(name.length - LONGEST_NAME).replace(/\.[^.]*$/, "") + kept;
}
