const LIMIT = 2 ** 26;

/** One dimension to split by: its values and the groups that end with it. */
interface Level {
  readonly byText: Map<string, number>;
  /** The same for numbers that mean the same in every chunk. */
  readonly byNumber: Map<number, number>;
  readonly texts: string[];
  /** By the group one level up and the value, as one number. */
  readonly ids: Map<number, number>;
  readonly groups: (readonly string[])[];
}

/**
 * Numbers the groups of one query, dimension after dimension: a group of two dimensions is a group of the first one
 * and a value of the second. Text is looked at once per value and chunk at most, never per row.
 */
export class GroupIndex {
  readonly #levels: Level[];

  constructor(dimensions: number) {
    this.#levels = Array.from({ length: dimensions }, () => ({
      byText: new Map<string, number>(),
      byNumber: new Map<number, number>(),
      texts: [],
      ids: new Map<number, number>(),
      groups: [],
    }));
  }

  /** The values of each group; a query that does not split has one group, without values. */
  get groups(): readonly (readonly string[])[] {
    return this.#levels.at(-1)?.groups ?? [[]];
  }

  /** A value's number by its text. */
  value(level: number, text: string): number {
    const { byText, texts } = this.#levels[level]!;
    let value = byText.get(text);
    if (value === undefined) byText.set(text, (value = texts.push(text) - 1));
    return value;
  }

  /** A value's number by a number that stands for the same text in every chunk. */
  valueOfNumber(level: number, number: number, text: (number: number) => string): number {
    const { byNumber } = this.#levels[level]!;
    let value = byNumber.get(number);
    if (value === undefined) byNumber.set(number, (value = this.value(level, text(number))));
    return value;
  }

  /** The group of `parent`, which is one of the level before (0 at the first), and a value. */
  group(level: number, parent: number, value: number): number {
    const { ids, groups, texts } = this.#levels[level]!;
    const name = parent * LIMIT + value;
    let id = ids.get(name);
    if (id === undefined) {
      const values = level === 0 ? [] : this.#levels[level - 1]!.groups[parent]!;
      ids.set(name, (id = groups.push([...values, texts[value]!]) - 1));
    }
    return id;
  }
}
