/**
 * The prebuilt package is installed under the name `node-pty`, but its own declarations are written for
 * `@lydell/node-pty`. This is the part that is used.
 */
declare module 'node-pty' {
  interface Pty {
    readonly pid: number;
    write(text: string): void;
    resize(columns: number, rows: number): void;
    onData(listener: (data: string) => void): unknown;
    onExit(listener: (exit: { readonly exitCode: number; readonly signal?: number }) => void): unknown;
  }

  interface PtyOptions {
    readonly name: string;
    readonly cols: number;
    readonly rows: number;
    readonly cwd: string;
    readonly env: Record<string, string>;
    /** `null` hands out bytes instead of text. */
    readonly encoding: string | null;
  }

  export function spawn(file: string, argv: string[], options: PtyOptions): Pty;
}
