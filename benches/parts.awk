# Which part of a run takes how many instructions, from callgrind_annotate's lines `Ir (%)  file:function [object]`.
# Code that was inlined counts to the function that it was inlined into.
function part(f) {
  if (f ~ /serde|itoa|zmij|converts::from_utf8|payload::Payload::from_json|decode::Decode/) return "JSON"
  if (f ~ /malloc|_int_free|:free |__rust_(de|re)?alloc|__rdl_|finish_grow|grow_one/) return "allocator"
  if (f ~ /__mem/) return "moves and comparisons of memory"
  if (f ~ /durasim::inside|ActivityProgram>::start::|cost::|durasim_benches/) return "activity and workflow code of the bench, its sleeps"
  if (f ~ /durasim::(workflow|worker::(instance|replay|turn))|workflow_tasks|WorkflowProgram|WorkflowRun/) return "workflow code's side: contexts, replay, tasks"
  if (f ~ /durasim::service/) return "service: activities, timers, history, commands"
  if (f ~ /durasim::(worker|world::(news|dispatch|messages|heartbeats|hosting|workers))|ActivityLink/) return "messages between workers and service"
  if (f ~ /durasim::(engine|fault|world::(step|awaits|faults|sleeps|agenda|core::with_current))|panics/) return "loop, with the faults it asks for"
  if (f ~ /durasim::(activity|program)|ActivityProgram/) return "attempts' contexts"
  if (f ~ /durasim::(world|simulation|trace|explore)/) return "set-up, trace and clearing"
  return "drops, lists and other"
}
/^ *[0-9,]+ \(/ {
  n = $1; gsub(",", "", n)
  if ($0 ~ /PROGRAM TOTALS/) { next }
  f = $0; sub(/^ *[0-9,]+ \( *[0-9.]+%\) */, "", f); sub(/^[^:]*:/, "", f)
  sum[part(f)] += n
}
END { for (p in sum) printf "W1 part %d (%s)\n", sum[p] / runs, p }
