import { MillraceError } from '../../errors.ts';

/** Publishers or subscribers by name. */
export class Children<T extends { readonly name: string }> {
  readonly #owner: string;
  readonly #byName = new Map<string, T>();

  constructor(owner: string) {
    this.#owner = owner;
  }

  get size(): number {
    return this.#byName.size;
  }

  /** @throws INVALID_ARGUMENT when the name is taken */
  add(child: T): void {
    if (this.#byName.has(child.name)) {
      const message = `${this.#owner} has a "${child.name}" already: give each of its parts a name of its own`;
      throw new MillraceError('INVALID_ARGUMENT', message, { field: 'name', value: child.name });
    }
    this.#byName.set(child.name, child);
  }

  remove(name: string): T | undefined {
    const child = this.#byName.get(name);
    this.#byName.delete(name);
    return child;
  }

  get(name: string): T | undefined {
    return this.#byName.get(name);
  }

  list(): string[] {
    return [...this.#byName.keys()];
  }

  all(): T[] {
    return [...this.#byName.values()];
  }

  /** By name, for `details()`. */
  mapped<R>(map: (child: T) => R): Readonly<Record<string, R>> {
    return Object.fromEntries(this.all().map((child) => [child.name, map(child)]));
  }
}
