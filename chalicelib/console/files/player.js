/** A recording that is fetched, with the user's key, when somebody wants to hear it. */

import { html, useEffect, useState } from "./preact.js";
import { Act, Problem } from "./parts.js";
import { fetched } from "./service.js";

export function Player({ path, name }) {
  const [source, setSource] = useState("");
  const [error, setError] = useState(null);
  useEffect(() => () => URL.revokeObjectURL(source), [source]);
  if (source) return html`<audio controls autoplay src=${source} aria-label=${name}></audio>`;
  const load = async () => setSource(URL.createObjectURL(await fetched(path)));
  return html`<${Act} class="slight" aria-label="Play ${name}" work=${load} onError=${setError}>Play<//><${Problem} error=${error} />`;
}
