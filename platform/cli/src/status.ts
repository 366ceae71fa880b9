import type { FrontendFigures, PlatformStatus } from '@millrace/analytics';
import type { PlatformClient } from './platform-client.ts';

/** What `/admin/status` answers. */
export type StatusAnswer = PlatformStatus & { readonly frontend: FrontendFigures };

export const readStatus = (platform: PlatformClient): Promise<StatusAnswer> => platform.json('GET', '/admin/status');
