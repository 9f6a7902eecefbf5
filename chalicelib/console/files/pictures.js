/** Figures as pictures, drawn in the page; each says in its label what it shows. Their width is that of the page. */

import { html } from "./preact.js";

/** Return a length along the picture, from a share of it. */
const along = (share) => `${(100 * share).toFixed(2)}%`;

const LONGEST_NAME = 30;
const fitting = (name) => (name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name);

/** Return the picture with its caption; `label` is its text alternative. */
const Picture = ({ title, label, height, children }) =>
  html`<figure>
    <figcaption>${title}</figcaption>
    <svg height=${height} role="img" aria-label=${label}>${children}</svg>
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
      const bar = html`<rect key=${part.name} x=${along(at / whole)} width=${along(part.value / whole)} height="26" class="piece ${part.fill}" />`;
      at += part.value;
      return bar;
    });
  return html`<${Picture}
    title=${title}
    label="${title}: ${parts.map((part) => `${part.name} ${part.said}`).join(", ")}."
    height=${40 + 24 * parts.length}
  >
    ${bars}
    ${parts.map(
      (part, line) => html`<g key=${part.name} transform="translate(0 ${52 + 24 * line})">
        <rect y="-10" width="11" height="11" rx="3" class=${part.fill} />
        <text x="20">${part.name}</text>
        <text x="100%" text-anchor="end" class="strong">${part.said}</text>
      </g>`,
    )}
  <//>`;
}

/**
 * Values below each other on one scale; `bars` is `[{name, said, value, interval?, fill}]`.
 */
export function Bars({ title, bars, most }) {
  const scale = (value) => along(Math.min(value, most) / most);
  return html`<${Picture}
    title=${title}
    label="${title}: ${bars.map((bar) => `${bar.name} ${bar.said}`).join(", ")}."
    height=${52 * bars.length - 8}
  >
    ${bars.map(
      (bar, line) => html`<g key=${`${line} ${bar.name}`} transform="translate(0 ${52 * line})">
        <text y="13">${fitting(bar.name)}</text>
        <text x="100%" y="13" text-anchor="end" class="strong">${bar.said}</text>
        <rect y="22" width="100%" height="16" rx="4" class="fill-track" />
        <rect y="22" width=${scale(bar.value)} height="16" rx="4" class=${bar.fill} />
        ${bar.interval &&
        html`<line class="stroke-text" x1=${scale(bar.interval[0])} x2=${scale(bar.interval[1])} y1="30" y2="30" />
          ${bar.interval.map((end) => html`<line key=${end} class="stroke-text" x1=${scale(end)} x2=${scale(end)} y1="25" y2="35" />`)}`}
      </g>`,
    )}
  <//>`;
}

/**
 * Shares from 0 to 1 that were tried, on one line; `points` is `[{at, accepted}]`, `chosen` the one that serves.
 */
export function Shares({ title, points, chosen, said }) {
  const x = (share) => along(0.03 + 0.94 * share);
  return html`<${Picture} title=${title} label="${title}: ${said}" height="58">
    <line class="stroke-line" x1=${x(0)} x2=${x(1)} y1="20" y2="20" />
    ${[0, 0.25, 0.5, 0.75, 1].map(
      (share) => html`<g key=${share}>
        <line class="stroke-line" x1=${x(share)} x2=${x(share)} y1="15" y2="25" />
        <text x=${x(share)} y="52" text-anchor="middle" class="quiet">${100 * share}</text>
      </g>`,
    )}
    ${points.map(({ at, accepted }) =>
      accepted
        ? html`<circle key=${at} cx=${x(at)} cy="20" r="7" class="stroke-accent" />`
        : html`<svg key=${at} x=${x(at)} y="20" class="cross"><path class="stroke-text" d="M-6-6L6 6M6-6L-6 6" /></svg>`,
    )}
    <circle cx=${x(chosen)} cy="20" r="9" class="fill-accent" />
  <//>`;
}
