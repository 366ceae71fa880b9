import { PairIndex } from './pair-index.ts';

/** All ids of a dictionary and most other numbers that name things are below it: a table finds them fastest. */
const SMALL = 2 ** 18;

/** One dimension to split by: its values and the groups that end with it. */
interface Level {
  /** A number that means the same in every chunk, and 0; or the place of a text in `texts`, and 1. */
  readonly values: PairIndex;
  /** For numbers below {@link SMALL} one more than their value, 0 where there is none yet. */
  readonly small: Int32Array;
  readonly textPlaces: Map<string, number>;
  readonly texts: string[];
  /** A group of the level before and a value. The first level needs none: its groups are its values. */
  readonly groups: PairIndex | undefined;
}

/**
 * Numbers the groups of one query, dimension after dimension: a group of two dimensions is a group of the first one
 * and a value of the second. Text is made for the groups of the answer only, of which there are far fewer.
 */
export class GroupIndex {
  readonly #levels: readonly Level[];
  readonly #textOf: (level: number, number: number) => string;

  /** @param textOf the text of a number of the level's dimension */
  constructor(dimensions: number, textOf: (level: number, number: number) => string) {
    this.#textOf = textOf;
    this.#levels = Array.from({ length: dimensions }, (_, level) => ({
      values: new PairIndex(),
      small: new Int32Array(SMALL),
      textPlaces: new Map<string, number>(),
      texts: [],
      groups: level === 0 ? undefined : new PairIndex(),
    }));
  }

  /** How many groups there are; a query that does not split has one. */
  get size(): number {
    const last = this.#levels.at(-1);
    return last === undefined ? 1 : (last.groups ?? last.values).size;
  }

  valueOfNumber(level: number, number: number): number {
    const { small, values } = this.#levels[level]!;
    if (number < 0 || number >= SMALL) return values.number(number, 0);
    const known = small[number]!;
    if (known > 0) return known - 1;
    const value = values.number(number, 0);
    small[number] = value + 1;
    return value;
  }

  /** The value of a text that has no number. */
  valueOfText(level: number, text: string): number {
    const { textPlaces, texts, values } = this.#levels[level]!;
    let place = textPlaces.get(text);
    if (place === undefined) textPlaces.set(text, (place = texts.push(text) - 1));
    return values.number(place, 1);
  }

  /** The group of `parent`, which is one of the level before (0 at the first), and a value. */
  group(level: number, parent: number, value: number): number {
    return this.#levels[level]!.groups?.number(parent, value) ?? value;
  }

  /** The values of a group. */
  textsOf(group: number): readonly string[] {
    const reversed: string[] = [];
    let at = group;
    for (let level = this.#levels.length - 1; level >= 0; level--) {
      const { values, texts, groups } = this.#levels[level]!;
      const value = groups === undefined ? at : groups.second(at);
      const first = values.first(value);
      reversed.push(values.second(value) === 0 ? this.#textOf(level, first) : texts[first]!);
      if (groups !== undefined) at = groups.first(at);
    }
    return reversed.toReversed();
  }
}
