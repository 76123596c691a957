/**
 * The part of node-pty that is used. The prebuilt package declares its types under its own name, not under the
 * alias it is installed as; and with `encoding: null` it hands out bytes, which its types do not say.
 */
declare module 'node-pty' {
  export interface Pty {
    readonly pid: number;
    write(data: string): void;
    resize(columns: number, rows: number): void;
    onData(listener: (bytes: Uint8Array) => void): unknown;
    onExit(listener: (exit: { readonly exitCode: number; readonly signal?: number }) => void): unknown;
  }

  export function spawn(
    file: string,
    args: readonly string[],
    options: {
      readonly name: string;
      readonly cols: number;
      readonly rows: number;
      readonly cwd: string;
      readonly env: Readonly<Record<string, string>>;
      readonly encoding: null;
    },
  ): Pty;
}
