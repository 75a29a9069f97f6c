/** A variable of the function's environment. @throws when it is not set */
export function environment(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`the environment variable ${name} is not set: serverless.yml sets it`);
  return value;
}
