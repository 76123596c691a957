/** Refuses a Node that is too old with one sentence, where vitest itself would fail in the middle of a run. */
export default function requireNode(): void {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 22 || (major === 22 && minor < 18)) {
    throw new Error(
      `These tests need Node 22.18 or newer, and this is ${process.version}. Run them with \`npm test\`, which brings its own.`,
    );
  }
}
