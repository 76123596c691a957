import { join } from 'node:path';

import { listFilesRequestSchema, readFileRequestSchema } from '@sallyport/core/protocol';
import type { BootConfig } from '@sallyport/core/protocol';

import type { Route } from '../http/router.ts';
import { listDirectory } from '../work-files/list-directory.ts';
import { sendFile } from '../work-files/send-file.ts';

/** What CLIs have left in `~/work`, for the user. */
export function fileRoutes({ home }: Pick<BootConfig, 'home'>): readonly Route[] {
  const work = join(home, 'work');
  return [
    {
      method: 'POST',
      path: '/files/list',
      handle: async ({ body }) => listDirectory(work, await body(listFilesRequestSchema)),
    },
    {
      method: 'POST',
      path: '/files/read',
      handle: async ({ body, response }) => {
        const { path } = await body(readFileRequestSchema);
        await sendFile(work, path, response);
        return undefined;
      },
    },
  ];
}
