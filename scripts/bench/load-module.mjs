/** node load-module.mjs <module>: prints the milliseconds that loading it took, as an execution environment begins. */
const began = performance.now();
const { handler } = await import(process.argv[2]);
const milliseconds = performance.now() - began;
if (typeof handler !== 'function') throw new Error(`${process.argv[2]} has no handler`);
console.log(milliseconds);
