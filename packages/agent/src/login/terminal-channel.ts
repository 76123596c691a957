import { SallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';

import { spawnPty } from '../terminal/pty.ts';
import type { PtyExit } from '../terminal/pty.ts';
import { createScreen } from '../terminal/screen.ts';
import type { CliChannel, CliCommandLine, CliListener } from './cli-channel.ts';
import { createTerminalWatch } from './terminal-watch.ts';

/** Runs the CLI in a terminal, and shows the engine its screen. */
export function openTerminalChannel(
  command: CliCommandLine,
  size: { readonly columns: number; readonly rows: number },
  clock: Clock,
  listener: CliListener,
): CliChannel {
  const { columns, rows } = size;
  const screen = createScreen({ columns, rows });
  const pty = spawnPty({ ...command, columns, rows });
  let parsed = Promise.resolve();
  const terminal = createTerminalWatch({
    screen,
    clock,
    onView: (view) => listener.observe({ type: 'screen', screen: view }),
    signal: listener.over,
  });
  screen.onReply((text) => pty.write(text));
  pty.onData((bytes) => {
    if (listener.over.aborted) return;
    parsed = terminal.show(bytes).catch((error: unknown) => {
      if (SallyportError.isInstance(error)) listener.fail(error);
    });
  });
  const observeExit = async (exit: PtyExit): Promise<void> => {
    await parsed;
    terminal.look();
    listener.observe({ type: 'exit', ...exit });
  };
  pty.onExit((exit) => void observeExit(exit));
  return {
    pid: pty.pid,
    write: (text) => pty.write(text),
    view: () => screen.view(),
    settled: () => parsed,
    dispose: () => screen.dispose(),
  };
}
