import type { Database } from './storage/database.ts';

export async function loadSnapshot(_database: Database, _path: string): Promise<void> {}
export async function saveSnapshot(_database: Database, _path: string): Promise<void> {}
