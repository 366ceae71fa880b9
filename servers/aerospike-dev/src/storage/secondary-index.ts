/** What a secondary index is made of: the elements of a list, the keys or the values of a map, or the bin itself. */
export type CollectionType = 'DEFAULT' | 'LIST' | 'MAPKEYS' | 'MAPVALUES';
export type IndexedType = 'NUMERIC' | 'STRING' | 'BLOB';

/** A secondary index that was created. Texts have one character a byte. */
export interface SecondaryIndex {
  readonly name: string;
  /** Undefined: the index holds records of every set. */
  readonly set: string | undefined;
  readonly bin: string;
  readonly type: IndexedType;
  readonly collection: CollectionType;
}
