//! Circles of imports: files, or folders, that need each other.

use std::collections::{BTreeMap, BTreeSet};

/// Files or folders, each with those that it needs.
#[derive(Default)]
pub struct Graph<'a>(BTreeMap<&'a str, BTreeSet<&'a str>>);

impl<'a> FromIterator<(&'a str, &'a str)> for Graph<'a> {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(imports: I) -> Self {
        let mut graph = Graph::default();
        for (from, to) in imports.into_iter().filter(|(from, to)| from != to) {
            graph.0.entry(from).or_default().insert(to);
            graph.0.entry(to).or_default();
        }
        graph
    }
}

impl<'a> Graph<'a> {
    fn needs(&self, from: &str) -> impl Iterator<Item = &'a str> {
        self.0.get(from).into_iter().flatten().copied()
    }

    /// The shortest way from one to another, both included.
    pub fn way(&self, from: &'a str, to: &str) -> Option<Vec<&'a str>> {
        let mut ways = vec![vec![from]];
        let mut seen = BTreeSet::new();
        while !ways.is_empty() {
            let mut longer = Vec::new();
            for way in ways {
                for next in way.last().into_iter().flat_map(|last| self.needs(last)) {
                    let way = [way.as_slice(), &[next]].concat();
                    if next == to {
                        return Some(way);
                    }
                    if seen.insert(next) {
                        longer.push(way);
                    }
                }
            }
            ways = longer;
        }
        None
    }

    /// The shortest of all circles, its first repeated as its last.
    pub fn circle(&self) -> Option<Vec<&'a str>> {
        let circles = self.0.keys().filter_map(|start| self.way(start, start));
        circles.min_by_key(Vec::len)
    }

    /// Groups of more than one in which each needs each other, by whatever ways.
    pub fn tangles(&self) -> Vec<Vec<&'a str>> {
        let mut tangles: Vec<Vec<&str>> = Vec::new();
        for start in self.0.keys() {
            if tangles.iter().flatten().any(|other| other == start) {
                continue;
            }
            let both_ways = |other: &&&str| self.way(start, other).is_some() && self.way(other, start).is_some();
            let tangle: Vec<&str> = self.0.keys().filter(both_ways).copied().collect();
            if tangle.len() > 1 {
                tangles.push(tangle);
            }
        }
        tangles
    }

    /// Pairs of which each needs the other directly.
    pub fn pairs(&self) -> Vec<(&'a str, &'a str)> {
        let needs_each_other = |(from, to): &(&str, &str)| from < to && self.needs(to).any(|back| back == *from);
        self.0.iter().flat_map(|(from, needs)| needs.iter().map(|to| (*from, *to))).filter(needs_each_other).collect()
    }

    /// Few imports without which there is no circle: each time the one that leaves the fewest others in circles.
    pub fn back_edges(&self) -> Vec<(&'a str, &'a str)> {
        let mut rest = Graph(self.0.clone());
        let mut back = Vec::new();
        loop {
            let left = |edge: &(&'a str, &'a str)| rest.without(*edge).in_circles().len();
            let Some((from, to)) = rest.in_circles().into_iter().min_by_key(left) else { return back };
            rest = rest.without((from, to));
            back.push((from, to));
        }
    }

    fn without(&self, (from, to): (&'a str, &'a str)) -> Graph<'a> {
        let mut rest = Graph(self.0.clone());
        rest.0.entry(from).or_default().remove(to);
        rest
    }

    /// Imports that a circle has.
    fn in_circles(&self) -> Vec<(&'a str, &'a str)> {
        let all = self.0.iter().flat_map(|(from, needs)| needs.iter().map(|to| (*from, *to)));
        all.filter(|(from, to)| self.way(to, from).is_some()).collect()
    }
}
