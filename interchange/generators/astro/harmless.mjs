// The words come from authors: their Markdown gets no raw HTML onto the page and
// no address that runs something. Of a link to such an address the words stay.
const schemes = new Set(['http:', 'https:', 'mailto:', 'tel:']);

export function harmless() {
  return function clean(node) {
    if (!node.children) return;
    node.children.forEach(clean);
    node.children = node.children.flatMap((child) => {
      if (child.type === 'html') return [];
      if ('url' in child && !allowed(child.url)) return child.type === 'definition' ? [] : child.children ?? [];
      return [child];
    });
  };
}

function allowed(address) {
  try {
    return schemes.has(new URL(address, 'https://example.org/').protocol);
  } catch {
    return false;
  }
}
