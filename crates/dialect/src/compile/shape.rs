//! `[shape]`: named trees. Reads them and refuses circles; what their slots need is judged where they are used.

use super::{Compiler, Shapes};
use crate::file::Table;
use crate::tree::{self, Tree};

impl Compiler {
    pub(super) fn shapes(&mut self, root: &Table<'_>) {
        let Some(table) = root.table("shape", &mut self.faults) else {
            return;
        };
        let keys = table.keys();
        self.names = keys.iter().map(|key| key.value.clone()).collect();
        for key in &keys {
            let text = table.text(&key.value, &mut self.faults);
            let tree = text.and_then(|text| tree::tree(&text, &self.names, &mut self.faults));
            self.shapes.push((key.value.clone(), tree));
        }
        for key in &keys {
            let mut path = vec![key.value.clone()];
            // Of a circle's shapes the first by name tells it.
            if circle(&self.shapes, &mut path, 0) && path.iter().min() == Some(&key.value) {
                path.push(key.value.clone());
                let message = format!("shape `{}` holds itself: {}", key.value, path.join(" → "));
                self.faults.add(key.span.clone(), message);
            }
        }
    }
}

/// Whether the first shape of `path` is reached again from the last; then `path` is the circle.
fn circle(shapes: &Shapes, path: &mut Vec<String>, steps: usize) -> bool {
    let last = path.last().cloned().unwrap_or_default();
    let Some((_, Some(tree))) = shapes.iter().find(|(name, _)| *name == last) else {
        return false;
    };
    let mut held = Vec::new();
    held_by(tree, &mut held);
    for name in held {
        if path.first() == Some(&name) {
            return true;
        }
        // `steps` ends hostile webs of shapes early; what is too deep is told by the size limit.
        if path.contains(&name) || steps > 32 {
            continue;
        }
        path.push(name);
        if circle(shapes, path, steps + 1) {
            return true;
        }
        path.pop();
    }
    false
}

fn held_by(tree: &Tree, held: &mut Vec<String>) {
    match tree {
        Tree::Literal(_) | Tree::Text(_) | Tree::Whole(_) => {}
        Tree::Shape(name, _) => {
            if !held.contains(name) {
                held.push(name.clone());
            }
        }
        Tree::Array(all) => all.iter().for_each(|tree| held_by(tree, held)),
        Tree::Object(entries) | Tree::EachMember(_, _, entries) => {
            entries.iter().for_each(|entry| held_by(&entry.value, held));
        }
        Tree::EachElement(_, _, element) => held_by(element, held),
    }
}
