import { openPageRequestSchema } from '@sallyport/core/protocol';

import type { DesktopHost } from '../desktop-host.ts';
import type { Route } from '../http/router.ts';

export function desktopRoutes(desktop: DesktopHost): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/desktop/open',
      handle: async ({ body }) => {
        await desktop.open((await body(openPageRequestSchema)).url);
        return { success: true };
      },
    },
  ];
}
