// Reads TopoJSON 1.0 (section 2.2): quantised arcs that neighbours share.

export interface Topology {
  transform: { scale: [number, number]; translate: [number, number] };
  arcs: [number, number][][];
  objects: Record<string, { geometries: Geometry[] }>;
}
type Geometry = { type: 'Polygon'; id: string; arcs: number[][] } | { type: 'MultiPolygon'; id: string; arcs: number[][][] };

// shapes gives each geometry of an object as the rings of its polygons, in
// [latitude, longitude].
export function shapes(topology: Topology, object: string): [number, number][][][][] {
  const { scale, translate } = topology.transform;
  const arcs = topology.arcs.map((arc) => {
    let x = 0;
    let y = 0;
    return arc.map(([dx, dy]): [number, number] => {
      x += dx;
      y += dy;
      return [y * scale[1] + translate[1], x * scale[0] + translate[0]];
    });
  });
  const ring = (indices: number[]): [number, number][] => {
    const points: [number, number][] = [];
    for (const index of indices) {
      const arc = index < 0 ? [...(arcs[~index] ?? [])].reverse() : (arcs[index] ?? []);
      points.push(...(points.length ? arc.slice(1) : arc));
    }
    return points;
  };
  return (topology.objects[object]?.geometries ?? []).map((geometry) =>
    (geometry.type === 'Polygon' ? [geometry.arcs] : geometry.arcs).map((polygon) => polygon.map(ring)),
  );
}
