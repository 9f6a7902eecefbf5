/** Quantities and times as people say them. */

const DATE = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
const NUMBER = new Intl.NumberFormat("en-GB");

export const counted = (number, what, many = `${what}s`) => `${NUMBER.format(number)} ${number === 1 ? what : many}`;

/** Return a duration: seconds below two minutes, hours from two hours on. */
export function duration(seconds) {
  if (seconds < 119.5) return counted(Math.round(seconds), "second");
  if (seconds < 7200) return `${(seconds / 60).toFixed(1)} minutes`;
  return `${(seconds / 3600).toFixed(1)} hours`;
}

/** Return how long something still takes, roughly, as nobody knows it better. */
export function remaining(seconds) {
  if (seconds < 45) return "less than a minute left";
  if (seconds < 5400) return `about ${counted(Math.round(seconds / 60), "minute")} left`;
  return `about ${(seconds / 3600).toFixed(1)} hours left`;
}

export function size(bytes) {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

export const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)} %`;

export const moment = (text) => (text ? DATE.format(new Date(text)) : "");

export const capital = (sentence) => sentence.slice(0, 1).toUpperCase() + sentence.slice(1);

/** Return a few of many names, and how many more there are. */
export function some(names, most = 4) {
  const more = names.length - most;
  return names.slice(0, most).join(", ") + (more > 0 ? ` and ${counted(more, "other")}` : "");
}

/** Return a list as the middle of a sentence. */
export const listed = (names) =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;

/** Return names of an evaluation's models that fit beside a picture, as far as they still tell them apart. */
export function shortLabels(models) {
  const short = models.map(({ label }) =>
    label.replace(/ on [\w-]+\.v\d{4}-\d\d-\d\d$/, "").replace(/^base [\w-]+\.v(\d{4}-\d\d-\d\d)$/, "Base of $1"),
  );
  return new Set(short).size === short.length ? short : models.map(({ label }) => label);
}
