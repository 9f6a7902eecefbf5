/** Which page is open: it stands behind the `#` of the address, so that links, history and reloading work. */

import { useEffect, useState } from "./preact.js";

const parts = () => location.hash.replace(/^#\/?/, "").split("?")[0].split("/").filter(Boolean).map(decodeURIComponent);

/** Return the parts of the open page's path, such as `["models", "1b2c", "report"]`. */
export function useRoute() {
  const [route, setRoute] = useState(parts);
  useEffect(() => {
    const heed = () => setRoute(parts());
    addEventListener("hashchange", heed);
    return () => removeEventListener("hashchange", heed);
  }, []);
  return route;
}

export const to = (...path) => `#/${path.map(encodeURIComponent).join("/")}`;

export const go = (...path) => {
  location.hash = to(...path);
};
