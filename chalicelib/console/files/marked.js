/** Words with those marked that differ. */

import { html } from "./preact.js";

/** `pairs` is `[[word, differs], …]`; marks are said to those who hear the page. */
export const Marked = ({ pairs }) =>
  pairs.map(([word, differs], at) => html`${at ? " " : ""}${differs ? html`<mark>${word}</mark>` : word}`);
