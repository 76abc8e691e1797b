export default async function (component) {
  const module = await import(new URL(component.data.entry, window.location.origin).href);
  return module.default(component);
}
