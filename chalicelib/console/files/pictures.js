/** Figures as pictures, drawn in the page; each says in its label what it shows. */

import { html } from "./preact.js";

const WIDTH = 560;

/** Return the picture with its caption; `label` is its text alternative. */
const Picture = ({ title, label, height, children }) =>
  html`<figure>
    <figcaption>${title}</figcaption>
    <svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label=${label}>${children}</svg>
  </figure>`;

/**
 * Parts of a whole, side by side; `parts` is `[{name, said, value, fill}]`.
 */
export function Parts({ title, parts }) {
  const whole = parts.reduce((sum, part) => sum + part.value, 0);
  if (!whole) return null;
  let at = 0;
  const bars = parts
    .filter((part) => part.value > 0)
    .map((part) => {
      const width = (WIDTH * part.value) / whole;
      const bar = html`<rect key=${part.name} x=${at} y="0" width=${Math.max(1, width - 2)} height="26" rx="4" class=${part.fill} />`;
      at += width;
      return bar;
    });
  return html`<${Picture}
    title=${title}
    label="${title}: ${parts.map((part) => `${part.name} ${part.said}`).join(", ")}."
    height=${36 + 22 * parts.length}
  >
    ${bars}
    ${parts.map(
      (part, line) => html`<g key=${part.name} transform="translate(0 ${48 + 22 * line})">
        <rect x="0" y="-10" width="11" height="11" rx="3" class=${part.fill} />
        <text x="20">${part.name}</text>
        <text x=${WIDTH} text-anchor="end" class="strong">${part.said}</text>
      </g>`,
    )}
  <//>`;
}

/**
 * Values below each other on one scale; `bars` is `[{name, said, value, interval?, fill}]`.
 */
export function Bars({ title, bars, most }) {
  const scale = (value) => (WIDTH * Math.min(value, most)) / most;
  return html`<${Picture}
    title=${title}
    label="${title}: ${bars.map((bar) => `${bar.name} ${bar.said}`).join(", ")}."
    height=${50 * bars.length}
  >
    ${bars.map(
      (bar, line) => html`<g key=${`${line} ${bar.name}`} transform="translate(0 ${50 * line})">
        <text x="0" y="13">${bar.name}</text>
        <text x=${WIDTH} y="13" text-anchor="end" class="strong">${bar.said}</text>
        <rect x="0" y="21" width=${WIDTH} height="14" rx="4" class="fill-track" />
        <rect x="0" y="21" width=${scale(bar.value)} height="14" rx="4" class=${bar.fill} />
        ${bar.interval &&
        html`<path
          class="stroke-text"
          d="M${scale(bar.interval[0])} 28H${scale(bar.interval[1])}M${scale(bar.interval[0])} 23v10M${scale(bar.interval[1])} 23v10"
        />`}
      </g>`,
    )}
  <//>`;
}

/**
 * Shares from 0 to 1 that were tried on one line; `points` is `[{at, accepted}]`, `chosen` the one that serves.
 */
export function Shares({ title, points, chosen, said }) {
  const x = (share) => 10 + (WIDTH - 20) * share;
  return html`<${Picture} title=${title} label="${title}: ${said}" height="62">
    <path class="stroke-line" d="M10 20H${WIDTH - 10}" />
    ${[0, 0.25, 0.5, 0.75, 1].map(
      (share) => html`<g key=${share}>
        <path class="stroke-line" d="M${x(share)} 15v10" />
        <text x=${x(share)} y="56" text-anchor=${share === 0 ? "start" : share === 1 ? "end" : "middle"} class="quiet">${100 * share} %</text>
      </g>`,
    )}
    ${points.map(({ at, accepted }) =>
      accepted
        ? html`<circle key=${at} cx=${x(at)} cy="20" r="7" class="stroke-accent" />`
        : html`<path key=${at} class="stroke-text" d="M${x(at) - 5} 15l10 10m0-10l-10 10" />`,
    )}
    <circle cx=${x(chosen)} cy="20" r="9" class="fill-accent" />
  <//>`;
}
