// Compiles SCSS files and prints {"css": […], "loaded": […]} on standard output.
//
//   node sass.mjs NODE_MODULES SOURCE...
import * as sass from 'sass';

const [modules, ...sources] = process.argv.slice(2);
const css = [];
const loaded = new Set();
for (const source of sources) {
  const result = sass.compile(source, {
    loadPaths: [modules],
    style: 'expanded', // esbuild makes it small
    charset: false,
    // Bootstrap Italia's own code is written for an older Sass; ours is not.
    quietDeps: true,
    silenceDeprecations: ['import', 'global-builtin', 'color-functions', 'if-function'],
  });
  css.push(result.css);
  for (const url of result.loadedUrls) loaded.add(url.href);
}
process.stdout.write(JSON.stringify({ css, loaded: [...loaded] }));
