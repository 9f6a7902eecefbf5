/** Who is signed in: the key lies in this tab's sessionStorage alone, and is exchanged for tokens. */

export const ROOT = new URL("..", import.meta.url);
/** Where the service is seen, with a slash at its end. */

const NAME = "attune-key";
const EARLY_S = 120;
/** A token is renewed so long before it ends. */

let token = null;
let asked = null;
let ended = () => {};

export const signedIn = () => sessionStorage.getItem(NAME) !== null;

/** Call `listener` with a sentence whenever the session ends by itself. */
export const onEnd = (listener) => {
  ended = listener;
};

/** Exchange a key for a token and keep it; throws an Error whose message is for the user. */
export async function signIn(key) {
  token = await exchanged(key);
  sessionStorage.setItem(NAME, key);
}

export function signOut(why = "") {
  sessionStorage.removeItem(NAME);
  token = null;
  ended(why);
}

/** The key is no longer taken: nothing of the page's state is lost but the session. */
export const revoked = () => signOut("Your key is no longer valid: it was revoked. Sign in with another one.");

/** Return a token that holds for two minutes at least. */
export async function bearer() {
  if (!token || token.expires_s - Date.now() / 1000 < EARLY_S) {
    // Whoever asks meanwhile waits for the same one.
    asked ??= exchanged(sessionStorage.getItem(NAME) ?? "").finally(() => {
      asked = null;
    });
    token = await asked;
  }
  return token.text;
}

async function exchanged(key) {
  let answer;
  try {
    answer = await fetch(new URL("identity/token", ROOT), {
      method: "POST",
      credentials: "omit",
      body: new URLSearchParams({ grant_type: "urn:ibm:params:oauth:grant-type:apikey", apikey: key }),
    });
  } catch {
    throw new Error("The service does not answer. Is it running? Try again in a moment.");
  }
  if (answer.ok) {
    const { access_token: text, expires_in: for_s } = await answer.json();
    return { text, expires_s: Date.now() / 1000 + for_s };
  }
  if (answer.status === 400) {
    if (signedIn()) revoked();
    throw new Error("This key is not known here. Check that it was copied whole, and is of this service.");
  }
  throw new Error(`The service could not check the key (${answer.status}). Try again in a moment.`);
}
