/** Which words of two texts differ. */

/** Return the words of a text, without the punctuation that no one says. */
export const words = (text) => text.split(/\s+/).filter(Boolean);

const same = (a, b) => plain(a) === plain(b);
const plain = (word) => word.toLowerCase().replace(/^[^\p{L}\p{N}%']+|[^\p{L}\p{N}%']+$/gu, "");

/**
 * Return both texts as `[[word, differs], …]`, by their longest common subsequence of words.
 *
 * Texts of more than a thousand words are compared in their last thousand.
 */
export function differing(first, second, most = 1000) {
  const [left, right] = [words(first).slice(-most), words(second).slice(-most)];
  const length = Array.from({ length: left.length + 1 }, () => new Uint16Array(right.length + 1));
  for (let i = left.length - 1; i >= 0; i -= 1) {
    for (let j = right.length - 1; j >= 0; j -= 1) {
      length[i][j] = same(left[i], right[j])
        ? length[i + 1][j + 1] + 1
        : Math.max(length[i + 1][j], length[i][j + 1]);
    }
  }
  const told = [[], []];
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && same(left[i], right[j])) {
      told[0].push([left[i++], false]);
      told[1].push([right[j++], false]);
    } else if (j >= right.length || (i < left.length && length[i + 1][j] >= length[i][j + 1])) {
      told[0].push([left[i++], true]);
    } else {
      told[1].push([right[j++], true]);
    }
  }
  return told;
}
