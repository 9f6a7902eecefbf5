/** What the service says of something, asked again and again while the page is open. */

import { useCallback, useEffect, useRef, useState } from "./preact.js";
import { ask } from "./service.js";

const AWAY_S = 3;

/**
 * Ask `GET path` at once and every `wait_s(answer)` seconds; a falsy path asks nothing.
 *
 * Returns `{value, error, again}`: the last answer, what went wrong with the last question, and a way to ask now.
 */
export function usePolled(path, wait_s = () => 15) {
  const [state, setState] = useState({ path, value: null, error: null });
  const [round, setRound] = useState(0);
  const wait = useRef(wait_s);
  wait.current = wait_s;
  useEffect(() => {
    if (!path) return undefined;
    const stop = new AbortController();
    let timer = 0;
    const look = async () => {
      let next_s = AWAY_S;
      try {
        const value = await ask("GET", path, { signal: stop.signal });
        if (stop.signal.aborted) return;
        setState({ path, value, error: null });
        next_s = wait.current(value);
      } catch (error) {
        if (stop.signal.aborted) return;
        setState((was) => ({ path, value: was.path === path ? was.value : null, error }));
        if (error.status && error.status < 500 && error.status !== 429) return; // it will be no other
      }
      timer = setTimeout(look, 1000 * (document.hidden ? Math.max(next_s, 10) : next_s));
    };
    look();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [path, round]);
  const again = useCallback(() => setRound((number) => number + 1), []);
  return { value: state.path === path ? state.value : null, error: state.path === path ? state.error : null, again };
}
