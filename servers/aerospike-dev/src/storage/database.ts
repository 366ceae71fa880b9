import { Namespace } from './namespace.ts';
import type { NamespaceSettings } from './namespace.ts';

/** The namespaces that all nodes of the simulated cluster hold together. */
export class Database {
  readonly #namespaces: ReadonlyMap<string, Namespace>;

  constructor(names: readonly string[], settings: NamespaceSettings) {
    this.#namespaces = new Map(names.map((name) => [name, new Namespace(name, settings)]));
  }

  namespace(name: string): Namespace | undefined {
    return this.#namespaces.get(name);
  }

  get namespaces(): Namespace[] {
    return [...this.#namespaces.values()];
  }

  sweep(): void {
    for (const namespace of this.#namespaces.values()) namespace.sweep();
  }
}
