import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { startChild } from './child.ts';
import type { Child } from './child.ts';

export interface WindowManagerOptions {
  readonly command: string;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Without a window manager nobody tells Chromium how large the screen is, and its kiosk window misses a row and
 * a column. The configuration is ours: Debian's has a menu and keys that start programs.
 */
export async function startWindowManager(options: WindowManagerOptions): Promise<Child> {
  const file = join(options.folder, 'openbox.xml');
  await writeFile(file, configuration, { mode: 0o600 });
  return startChild({
    name: 'openbox',
    command: options.command,
    args: ['--sm-disable', '--config-file', file],
    env: options.env,
    cwd: options.folder,
  });
}

/** Windows a page opens get a frame to move and close them by; there are no keys and no menus. */
const configuration = `<?xml version="1.0" encoding="UTF-8"?>
<openbox_config xmlns="http://openbox.org/3.4/rc">
  <focus><focusNew>yes</focusNew></focus>
  <placement><policy>Smart</policy><center>yes</center></placement>
  <theme><name>Clearlooks</name><titleLayout>LC</titleLayout></theme>
  <desktops><number>1</number><popupTime>0</popupTime></desktops>
  <keyboard/>
  <mouse>
    <context name="Titlebar">
      <mousebind button="Left" action="Drag"><action name="Move"/></mousebind>
    </context>
    <context name="Close">
      <mousebind button="Left" action="Click"><action name="Close"/></mousebind>
    </context>
    <context name="Client">
      <mousebind button="Left" action="Press"><action name="Focus"/><action name="Raise"/></mousebind>
    </context>
  </mouse>
</openbox_config>
`;
