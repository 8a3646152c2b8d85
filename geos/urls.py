"""The pages of control planes and geos."""

from django.urls import path

from geos.views import control_planes, credentials, entities, opening_geos

urlpatterns = [
    path("", control_planes.control_planes, name="control_planes"),
    path("new/", control_planes.new_control_plane, name="new_control_plane"),
    path("geos/", opening_geos.geos, name="geos"),
    path("geos/<slug:code>/open/", opening_geos.open_another_geo, name="open_geo"),
    path("<uuid:id>/", control_planes.control_plane, name="control_plane"),
    path("<uuid:id>/edit/", control_planes.edit_control_plane, name="edit_control_plane"),
    path("<uuid:id>/delete/", control_planes.remove_control_plane, name="delete_control_plane"),
    path("<uuid:id>/services/new/", entities.new_service, name="new_service"),
    path("<uuid:id>/services/<uuid:service_id>/edit/", entities.edit_service, name="edit_service"),
    path("<uuid:id>/services/<uuid:service_id>/delete/", entities.remove_service, name="delete_service"),
    path("<uuid:id>/consumers/new/", entities.new_consumer, name="new_consumer"),
    path("<uuid:id>/consumers/<uuid:consumer_id>/edit/", entities.edit_consumer, name="edit_consumer"),
    path("<uuid:id>/consumers/<uuid:consumer_id>/delete/", entities.remove_consumer, name="delete_consumer"),
    path("<uuid:id>/credentials/new/", credentials.new_credential, name="new_credential"),
    path("<uuid:id>/credentials/<uuid:credential_id>/revoke/", credentials.end_credential, name="revoke_credential"),
]
