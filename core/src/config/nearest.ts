/**
 * The candidate that a person most likely meant, or undefined when none is close.
 *
 * @param mostEdits (insert, delete, replace, swap of neighbours). Default one for every three characters typed, at least one
 *
 * @example
 * nearestSpelling('retntion', ['port', 'retention']);   // 'retention'
 */
export function nearestSpelling(
  typed: string,
  candidates: readonly string[],
  mostEdits = Math.max(1, Math.floor(typed.length / 3)),
): string | undefined {
  let nearest: string | undefined;
  let least = mostEdits + 1;
  for (const candidate of candidates) {
    const distance = editDistance(typed.toLowerCase(), candidate.toLowerCase());
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

/** Damerau-Levenshtein distance in its restricted form (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min(replace, last[j]! + 1, row[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
