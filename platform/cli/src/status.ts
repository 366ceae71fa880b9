import type { FrontendFigures, PlatformStatus, ProcessorStatus } from '@millrace/analytics';
import type { PlatformClient } from './platform-client.ts';

/** What `/admin/status` of a platform or a frontend answers. */
export type StatusAnswer = PlatformStatus & { readonly frontend: FrontendFigures };

export const readStatus = (platform: PlatformClient): Promise<StatusAnswer> => platform.json('GET', '/admin/status');

/** The same of a processor that runs by itself. */
export const readAnyStatus = (platform: PlatformClient): Promise<StatusAnswer | ProcessorStatus> =>
  platform.json('GET', '/admin/status');
